//! User-to-User: data that a caller's system sends along for the other side's (RFC 7433).

use std::fmt;

use crate::{Head, HeaderName, Params, Str, chars};

/// Data of one application, in hexadecimal digits. It prints as its length only: what it says is about a person.
#[derive(Clone, PartialEq, Eq)]
pub struct UserToUser {
    data: Box<str>,
    params: Params,
}

impl UserToUser {
    /// The most octets of data that are passed on; ISDN has 128.
    pub const MAX_OCTETS: usize = 256;
    /// The longest list of parameters, in octets.
    const MAX_PARAMS: usize = 128;

    /// The first value of a message that is well-formed, encoded as `hex` (also if it does not say how, as RFC 7434
    /// section 4.4 has it) and not too long. Others are passed over: they are meant for somebody else.
    #[must_use]
    pub fn of(head: &Head) -> Option<Self> {
        head.headers(HeaderName::UserToUser).flat_map(chars::commas).find_map(Self::read)
    }

    fn read(value: &str) -> Option<Self> {
        let (data, _) = chars::cut(value, b';');
        let params = value.get(data.len()..)?;
        let data = chars::trim(data);
        let data = chars::quoted(data).map_or(data, |(inner, _)| inner);
        let fits = params.len() <= Self::MAX_PARAMS;
        // A copy: it outlives the message.
        let params = Str::from(params);
        let params = Params::parse_in(&params, &params).filter(|_| fits)?;
        let is_hex = params.value("encoding").is_none_or(|encoding| encoding.eq_ignore_ascii_case("hex"));
        let well_formed = !data.is_empty()
            && data.len() <= 2 * Self::MAX_OCTETS
            && data.len().is_multiple_of(2)
            && data.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex && well_formed).then(|| Self { data: data.into(), params })
    }

    /// The data, in hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.data
    }

    /// The value of the header field, as it was but for white space and quotes.
    #[must_use]
    pub fn value(&self) -> String {
        format!("{}{}", self.data, self.params)
    }
}

impl fmt::Debug for UserToUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserToUser({} octets)", self.data.len() / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
        UserToUser::read(text).map(|data| data.value())
    }

    #[test]
    fn data_is_passed_on_as_it_was() {
        let whole = "56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar";
        assert_eq!(value(whole).as_deref(), Some(whole));
        assert_eq!(value(" \"04C8\" ; encoding=\"hex\"").as_deref(), Some("04C8;encoding=\"hex\""));
        assert_eq!(value("00").as_deref(), Some("00"));
        assert_eq!(format!("{:?}", UserToUser::read("0011")), "Some(UserToUser(2 octets))");
    }

    #[test]
    fn what_is_not_hex_or_too_long_is_left_out() {
        let longest = "ab".repeat(UserToUser::MAX_OCTETS);
        assert!(value(&longest).is_some());
        let long = format!("{longest}00");
        let params = format!("00;{}", "x".repeat(200));
        for text in ["", "0", "0g", "00;encoding=base64", "00 11", "00;=", &long, &params] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
