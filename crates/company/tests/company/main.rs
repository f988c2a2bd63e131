//! Companies read as a whole: the shipped ones, each kind of fault with the words it is reported in, and garbage.

#[cfg(test)]
mod again;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod garbage;
#[cfg(test)]
mod inline;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod values;
