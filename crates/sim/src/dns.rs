//! The DNS of the world: what a test puts into it, and nothing else.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use sip::locate::{Answer, Fault, Host, Kind, Question, Records, Srv};

/// Who answers the switch's questions, at once. A question about what is not here has no record.
#[derive(Debug, Default)]
pub struct Dns {
    known: BTreeMap<Question, Result<Records, Fault>>,
    /// Nobody answers.
    pub silent: bool,
    /// For how long answers hold.
    pub ttl: Duration,
    /// What was asked, in order.
    pub asked: Vec<Question>,
}

impl Dns {
    /// A name has these addresses from now on; what is no address is left out.
    pub fn host(&mut self, name: &str, addresses: &[&str]) {
        for kind in [Kind::A, Kind::Aaaa] {
            let addresses = addresses.iter().filter_map(|address| address.parse::<IpAddr>().ok());
            let fits = addresses.filter(|address| address.is_ipv4() == (kind == Kind::A));
            let hosts: Vec<Host> =
                fits.map(|address| Host { address, ours: Some(crate::switch_address().ip()) }).collect();
            let answer = if hosts.is_empty() { Err(Fault::Nothing) } else { Ok(Records::Hosts(hosts)) };
            self.known.insert(Question { name: name.into(), kind }, answer);
        }
    }

    /// A service has these records from now on: priority, weight, port, host.
    pub fn service(&mut self, name: &str, records: &[(u16, u16, u16, &str)]) {
        let record = |&(priority, weight, port, target): &(u16, u16, u16, &str)| Srv {
            priority,
            weight,
            port,
            target: target.into(),
        };
        let records = Records::Srv(records.iter().map(record).collect());
        self.known.insert(Question { name: name.into(), kind: Kind::Srv }, Ok(records));
    }

    /// The answer to a question, if there is one.
    pub fn answer(&mut self, question: &Question) -> Option<Result<Answer, Fault>> {
        self.asked.push(question.clone());
        let known = self.known.get(question).cloned().unwrap_or(Err(Fault::Nothing));
        (!self.silent).then(|| known.map(|records| Answer { records, ttl: self.ttl }))
    }
}
