//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

use std::path::PathBuf;

use bytes::Bytes;
use sip_message::{Message, Reject, Request, Response, parse_datagram};

/// Where messages lie that nobody in this project wrote.
pub fn corpus_dir() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/sip");
    std::env::var_os("STROWGER_CORPUS").map_or_else(|| PathBuf::from(default), PathBuf::from)
}

/// A file of the corpus; None, with a word about it, if there is no corpus. A corpus that lacks the file is a fault.
pub fn corpus(path: &str) -> Option<Vec<u8>> {
    if !corpus_dir().is_dir() {
        println!("skipped: no corpus");
        return None;
    }
    Some(std::fs::read(corpus_dir().join(path)).unwrap_or_else(|e| panic!("{path}: {e}")))
}

/// A message of RFC 4475 or RFC 5118.
pub fn torture(name: &str) -> Option<Vec<u8>> {
    corpus(&format!("{name}.dat"))
}

pub fn parse(datagram: Vec<u8>) -> Result<Message, Reject> {
    parse_datagram(Bytes::from(datagram))
}

pub fn request(datagram: Vec<u8>) -> Request {
    match parse(datagram) {
        Ok(Message::Request(request)) => *request,
        other => panic!("no request: {other:?}"),
    }
}

pub fn response(datagram: Vec<u8>) -> Response {
    match parse(datagram) {
        Ok(Message::Response(response)) => *response,
        other => panic!("no response: {other:?}"),
    }
}

pub fn reject(datagram: Vec<u8>) -> Reject {
    parse(datagram).map_or_else(|reject| reject, |message| panic!("read as valid: {message:?}"))
}
