//! P-Asserted-Identity: who calls, by the word of a network that knows (RFC 3325). It is for those alone who trust each other.

use crate::{AnyUri, Head, HeaderName, NameAddr, chars};

/// The longest value that is read, in octets.
const MAX_OCTETS: usize = 512;
/// The longest user part that counts as a number or a name.
const MAX_USER: usize = 64;

/// A header field about somebody's identity that says nothing which could be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// It cannot be read.
    #[error("malformed")]
    Malformed,
    /// There are more values than may be.
    #[error("too many values")]
    TooMany,
}

/// Who calls: one SIP address, one telephone number, or both (RFC 3325 section 9.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// `sip:` or `sips:`.
    pub sip: Option<NameAddr>,
    /// `tel:`.
    pub tel: Option<NameAddr>,
}

impl Asserted {
    /// What the P-Asserted-Identity of a message says; none if it has none.
    ///
    /// # Errors
    /// If it is malformed, or there are more values or others than may be: then none of them counts.
    pub fn of(head: &Head) -> Result<Option<Self>, BadIdentity> {
        let mut found = Self { sip: None, tel: None };
        for value in head.list(HeaderName::PAssertedIdentity) {
            let address = read(value)?;
            let place = match &address.uri {
                AnyUri::Sip(_) => &mut found.sip,
                AnyUri::Tel(_) => &mut found.tel,
                AnyUri::Other { .. } => return Err(BadIdentity::Malformed),
            };
            if place.replace(address).is_some() {
                return Err(BadIdentity::TooMany);
            }
        }
        Ok((found.sip.is_some() || found.tel.is_some()).then_some(found))
    }

    /// The number, or, if it is a name only, that.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        let tel = || self.tel.as_ref().and_then(|address| number_of(&address.uri));
        let sip = self.sip.as_ref().and_then(|address| number_of(&address.uri));
        let is_number = |text: &String| text.bytes().all(|c| c.is_ascii_digit() || c == b'+');
        sip.clone().filter(is_number).or_else(tel).or(sip)
    }

    /// The name that stands beside it.
    #[must_use]
    pub fn display(&self) -> Option<&str> {
        let both = [&self.sip, &self.tel];
        both.into_iter().flatten().find_map(|address| address.display.as_deref()).filter(|name| name.len() <= MAX_USER)
    }
}

/// An address of some length.
pub(crate) fn read(value: &str) -> Result<NameAddr, BadIdentity> {
    let value = chars::trim(value);
    if value.len() > MAX_OCTETS {
        return Err(BadIdentity::Malformed);
    }
    value.parse().map_err(|_| BadIdentity::Malformed)
}

/// The user part of a URI without parameters, or the digits of a telephone number; none if that is too long or empty.
#[must_use]
pub(crate) fn number_of(uri: &AnyUri) -> Option<String> {
    let number = match uri {
        AnyUri::Tel(tel) => tel.digits(),
        other => chars::before(&other.user()?, b';').0.to_owned(),
    };
    (1..=MAX_USER).contains(&number.len()).then_some(number)
}
