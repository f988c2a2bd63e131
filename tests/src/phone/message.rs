//! A SIP message as a scripted phone sees it: text, read leniently. No code of the product is used, so a fault there cannot hide here.

use std::fmt;

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(String);

impl Message {
    /// Takes the octets of a datagram; what is no UTF-8 is replaced.
    pub fn new(datagram: &[u8]) -> Self {
        Self(String::from_utf8_lossy(datagram).into_owned())
    }

    /// The first line.
    pub fn start_line(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        self.start_line().strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&str> {
        let (method, rest) = self.start_line().split_once(' ')?;
        rest.ends_with("SIP/2.0").then_some(method)
    }

    /// The values of a header, in order.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).into_iter().next()
    }

    /// The first value of a header that must be there.
    ///
    /// # Panics
    /// If it is not.
    pub fn must(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no {name} in:\n{self}"))
    }

    /// The method in CSeq.
    pub fn cseq_method(&self) -> &str {
        self.header("CSeq").and_then(|value| value.split_whitespace().nth(1)).unwrap_or_default()
    }

    /// The URI of the Contact.
    ///
    /// # Panics
    /// If there is none.
    pub fn contact(&self) -> String {
        let value = self.must("Contact");
        let from = value.find('<').map_or(0, |at| at + 1);
        value[from..].split(['>', ' ']).next().unwrap_or_default().to_owned()
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// The value of the first SDP line of `kind` (`c`, `m`…).
    pub fn sdp(&self, kind: char) -> Option<&str> {
        self.body().lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix('='))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
