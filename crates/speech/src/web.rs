//! Asks a web server to speak a text.

use std::time::Instant;

use base::Pii;
use fetch::{Ask, Patient};
use ivr::web::{Failure, Method, Origin, encode};
use serde_json::Value;

use crate::Fault;
use crate::words::{MAX_OCTETS, Words};

/// How a web server is asked. `{voice}`, `{language}` and `{text}` stand for these in the values of the query and in what is
/// sent; it answers with a WAV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// `GET` or `POST`.
    pub method: Method,
    /// Who is asked.
    pub origin: Origin,
    /// The path, maybe with a query. Begins with `/`.
    pub path: String,
    /// More of the query: names with their values.
    pub query: Vec<(String, String)>,
    /// Headers, each with what it says, and whether that is a secret.
    pub headers: Vec<(String, Pii<String>, bool)>,
    /// What is sent, if anything.
    pub send: Option<Send>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Send {
    /// A text.
    Text(String),
    /// A JSON object of these names and values, of which texts are templates.
    Json(Vec<(String, Value)>),
}

impl Web {
    /// All that the sound may depend on, for people and for hashes: no secret.
    pub(crate) fn parts(&self) -> Vec<String> {
        let mut parts = vec![self.method.word().to_owned(), self.origin.to_string(), self.path.clone()];
        parts.extend(self.query.iter().flat_map(|(name, value)| [name.clone(), value.clone()]));
        for (name, value, secret) in &self.headers {
            parts.extend([name.clone(), if *secret { String::new() } else { value.reveal().clone() }]);
        }
        match &self.send {
            None => {}
            Some(Send::Text(text)) => parts.push(text.clone()),
            Some(Send::Json(all)) => {
                parts.extend(all.iter().flat_map(|(name, value)| [name.clone(), value.to_string()]));
            }
        }
        parts
    }

    /// Has the server speak a text; gives what it answered.
    ///
    /// # Errors
    /// If it cannot be reached, does not answer with success, with too much, or not until `due`.
    pub(crate) fn speak(&self, patient: &Patient, words: &Words<'_>, due: Instant) -> Result<Vec<u8>, Fault> {
        let path = self.path_for(words);
        let body = self.send.as_ref().map(|send| send.body(words));
        let ask = Ask {
            method: self.method,
            origin: &self.origin,
            path: &path,
            accept: "audio/wav",
            headers: &self.headers,
            body,
            most: MAX_OCTETS,
        };
        patient.ask(ask, due).map_err(|failure| match failure {
            Failure::Timeout => Fault::TooLate,
            Failure::Refused => Fault::NotStarted,
            Failure::TooLarge => Fault::TooLong,
            _ => Fault::Failed,
        })
    }

    fn path_for(&self, words: &Words<'_>) -> String {
        let mut path = self.path.clone();
        let mut sign = if path.contains('?') { '&' } else { '?' };
        for (name, value) in &self.query {
            path.push(sign);
            encode(name, &mut path);
            path.push('=');
            encode(&words.fill(value), &mut path);
            sign = '&';
        }
        path
    }
}

impl Send {
    fn body(&self, words: &Words<'_>) -> (&'static str, String) {
        match self {
            Self::Text(template) => ("text/plain; charset=utf-8", words.fill(template)),
            Self::Json(all) => {
                let filled = all.iter().map(|(name, value)| {
                    let value = match value {
                        Value::String(template) => Value::String(words.fill(template)),
                        other => other.clone(),
                    };
                    (name.clone(), value)
                });
                ("application/json", Value::Object(filled.collect()).to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::time::Duration;

    use super::*;

    const WORDS: Words<'_> = Words { voice: "alloy", language: "en", text: "5 > 4 & \"{voice}\" 你" };

    /// A server that answers once; what it was asked comes by the other end.
    fn server(answer: &'static str) -> (SocketAddr, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let (mut heard, mut room) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = stream.read(&mut room) {
                heard.extend_from_slice(&room[..count]);
                if heard.windows(4).any(|end| end == b"\r\n\r\n") && count < room.len() {
                    break;
                }
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(heard).unwrap()
        });
        (address, asked)
    }

    fn web(address: SocketAddr, method: Method, send: Option<Send>) -> Web {
        Web {
            method,
            origin: Origin::read(&format!("http://{address}")).unwrap(),
            path: "/speak".to_owned(),
            query: Vec::new(),
            headers: vec![("Authorization".to_owned(), Pii::new("Bearer x1".to_owned()), true)],
            send,
        }
    }

    fn speak(web: &Web) -> Result<String, Fault> {
        let due = Instant::now() + Duration::from_secs(60);
        web.speak(&Patient::new(), &WORDS, due).map(|heard| String::from_utf8(heard).unwrap())
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nRIFF";

    #[test]
    fn a_text_is_sent_as_json_and_cannot_leave_its_place() {
        let (address, asked) = server(GOOD);
        let send = vec![
            ("input".to_owned(), Value::from("{text}")),
            ("voice".to_owned(), Value::from("{language}-{voice}")),
            ("speed".to_owned(), Value::from(1.5)),
        ];
        assert_eq!(speak(&web(address, Method::Post, Some(Send::Json(send)))).as_deref(), Ok("RIFF"));
        let asked = asked.join().unwrap();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("post /speak http/1.1\r\n"), "{head}");
        for line in ["authorization: bearer x1", "accept: audio/wav", "content-type: application/json"] {
            assert!(head.contains(line), "{head}");
        }
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body, serde_json::json!({"input": WORDS.text, "voice": "en-alloy", "speed": 1.5}));
    }

    #[test]
    fn a_text_in_a_query_is_encoded() {
        let (address, asked) = server(GOOD);
        let query = vec![("text".to_owned(), "{text}".to_owned()), ("v".to_owned(), "{voice}".to_owned())];
        let asks = Web { query, path: "/tts?a=b".to_owned(), ..web(address, Method::Get, None) };
        assert_eq!(speak(&asks).as_deref(), Ok("RIFF"));
        let first = "GET /tts?a=b&text=5%20%3E%204%20%26%20%22%7Bvoice%7D%22%20%E4%BD%A0&v=alloy HTTP/1.1\r\n";
        assert!(asked.join().unwrap().starts_with(first));
    }

    #[test]
    fn what_fails_is_told() {
        for (answer, fault) in [
            ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", Fault::Failed),
            ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n", Fault::Failed),
            ("HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n", Fault::TooLong),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nRIFF", Fault::NotStarted),
        ] {
            let (address, asked) = server(answer);
            assert_eq!(
                speak(&web(address, Method::Post, Some(Send::Text("{text}".to_owned())))),
                Err(fault),
                "{answer}"
            );
            assert!(asked.join().unwrap().ends_with(WORDS.text));
        }
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(speak(&web(nobody, Method::Get, None)), Err(Fault::NotStarted));
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let asks = web(silent.local_addr().unwrap(), Method::Get, None);
        let due = Instant::now() + Duration::from_millis(200);
        assert_eq!(asks.speak(&Patient::new(), &WORDS, due), Err(Fault::TooLate));
    }

    #[test]
    fn the_name_of_a_sound_holds_no_secret() {
        let address = "127.0.0.1:80".parse().unwrap();
        let asks = web(address, Method::Get, None);
        assert!(!asks.parts().join(" ").contains("x1"));
        let other = Web { headers: vec![("X".to_owned(), Pii::new("a".to_owned()), false)], ..asks.clone() };
        assert!(other.parts().contains(&"a".to_owned()) && asks.parts() != other.parts());
    }
}
