//! One search for a site, from the first question to the last answer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Answer, Families, Fault, Hop, Host, Kind, Question, Records, Site, Srv};

/// The most SRV records that count: those of the lowest priorities, and of one priority the heaviest.
pub(super) const MAX_SERVICES: usize = 32;
/// The most addresses of a host that count.
pub(super) const MAX_ADDRESSES: usize = 8;
/// The most hops of a site.
pub(super) const MAX_HOPS: usize = 64;

/// What is known of the addresses of hosts, by their names.
pub(super) type Hosts = BTreeMap<Arc<str>, Vec<Host>>;

/// What a search came to.
pub(super) struct Outcome {
    pub hops: Vec<Hop>,
    pub hosts: Hosts,
    pub ttl: Duration,
    /// Some hosts are still as they were found before, as the DNS failed on them.
    pub fault: Option<Fault>,
}

/// A search that is under way.
#[derive(Debug)]
pub(super) struct Search {
    site: Site,
    families: Families,
    ttl: Duration,
    services: Vec<Srv>,
    hosts: Hosts,
    /// Hosts that the DNS failed on, and the last reason.
    failed: BTreeSet<Arc<str>>,
    fault: Option<Fault>,
    open: BTreeSet<Question>,
}

impl Search {
    /// Begins; the first questions are to be asked.
    pub fn new(site: Site, families: Families) -> (Self, Vec<Question>) {
        let mut search = Self {
            site,
            families,
            ttl: Duration::MAX,
            services: Vec::new(),
            hosts: Hosts::new(),
            failed: BTreeSet::new(),
            fault: None,
            open: BTreeSet::new(),
        };
        let questions = match search.site.service() {
            Some(name) => search.open([Question { name, kind: Kind::Srv }].into()),
            None => search.by_host(),
        };
        (search, questions)
    }

    /// An answer came; more questions may follow.
    ///
    /// # Errors
    /// If that is the end of the search.
    pub fn handle(&mut self, question: &Question, answer: Result<Answer, Fault>) -> Result<Vec<Question>, Fault> {
        if !self.open.remove(question) {
            return Ok(Vec::new());
        }
        if let Ok(answer) = &answer {
            self.ttl = self.ttl.min(answer.ttl);
        }
        match (question.kind, answer.map(|answer| answer.records)) {
            (Kind::Srv, Ok(Records::Srv(records))) if !records.is_empty() => self.serve(records),
            // No record: the name itself is the host (RFC 3263 4.2).
            (Kind::Srv, Ok(Records::Srv(_)) | Err(Fault::Nothing)) => Ok(self.by_host()),
            (Kind::Srv, Err(fault)) => Err(fault),
            (Kind::A | Kind::Aaaa, Ok(Records::Hosts(found))) => {
                let fits = |host: &Host| host.address.is_ipv4() == (question.kind == Kind::A) && is_host(host.address);
                let known = self.hosts.entry(question.name.clone()).or_default();
                known.extend(found.into_iter().filter(fits).take(MAX_ADDRESSES));
                Ok(Vec::new())
            }
            (Kind::A | Kind::Aaaa, Err(fault)) => {
                if !fault.is_answer() {
                    self.failed.insert(question.name.clone());
                    self.fault = Some(fault);
                }
                Ok(Vec::new())
            }
            (Kind::Srv, Ok(Records::Hosts(_))) | (_, Ok(Records::Srv(_))) => Err(Fault::Unreadable),
        }
    }

    /// True once all answers are there.
    pub fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// What came of it. A host that the DNS failed on is where it was in `before`, if another is known anew.
    ///
    /// # Errors
    /// If there is nowhere to go, or nothing new.
    pub fn finish(mut self, before: Option<&Hosts>) -> Result<Outcome, Fault> {
        if let Some(fault) = self.fault
            && self.hosts.values().all(Vec::is_empty)
        {
            return Err(fault);
        }
        for name in &self.failed {
            let known = before.and_then(|before| before.get(name));
            let hosts = self.hosts.entry(name.clone()).or_default();
            for host in known.into_iter().flatten() {
                if !hosts.iter().any(|other| other.address == host.address) {
                    hosts.push(*host);
                }
            }
        }
        let mut hops: Vec<Hop> = Vec::new();
        let mut found = false;
        for service in &self.services {
            for host in self.hosts.get(&service.target).into_iter().flatten() {
                found = true;
                let address = SocketAddr::new(host.address, service.port);
                let Some(ours) = host.ours.filter(|_| hops.iter().all(|hop| hop.address != address)) else { continue };
                if hops.len() < MAX_HOPS {
                    let Srv { priority, weight, target, .. } = service;
                    hops.push(Hop { address, ours, priority: *priority, weight: *weight, host: target.clone() });
                }
            }
        }
        if hops.is_empty() {
            return Err(self.fault.unwrap_or(if found { Fault::NoRoute } else { Fault::Nothing }));
        }
        Ok(Outcome { hops, hosts: self.hosts, ttl: self.ttl, fault: self.fault })
    }

    fn serve(&mut self, mut records: Vec<Srv>) -> Result<Vec<Question>, Fault> {
        records.retain(|record| !record.target.is_empty());
        if records.is_empty() {
            return Err(Fault::NoService);
        }
        records.retain(|record| record.port != 0);
        records.sort_by(|a, b| {
            let key = |record: &Srv| (record.priority, std::cmp::Reverse(record.weight), record.port);
            key(a).cmp(&key(b)).then_with(|| a.target.cmp(&b.target))
        });
        records.truncate(MAX_SERVICES);
        self.services = records;
        Ok(self.ask_hosts())
    }

    fn by_host(&mut self) -> Vec<Question> {
        let port = self.site.port.unwrap_or_else(|| self.site.transport.default_port());
        self.services = vec![Srv { priority: 0, weight: 0, port, target: self.site.name.clone() }];
        self.ask_hosts()
    }

    fn ask_hosts(&mut self) -> Vec<Question> {
        let kinds = [(Kind::Aaaa, self.families.v6), (Kind::A, self.families.v4)];
        let names: BTreeSet<&Arc<str>> = self.services.iter().map(|service| &service.target).collect();
        let ask = |name: &Arc<str>| {
            let name = name.clone();
            let kinds = kinds.into_iter().filter(|(_, wanted)| *wanted);
            kinds.map(move |(kind, _)| Question { name: name.clone(), kind })
        };
        let questions = names.into_iter().flat_map(ask).collect();
        self.open(questions)
    }

    fn open(&mut self, questions: Vec<Question>) -> Vec<Question> {
        self.open.extend(questions.iter().cloned());
        questions
    }
}

/// What a record may name as a host: neither everybody nor nobody.
fn is_host(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && address != IpAddr::from([255; 4])
}
