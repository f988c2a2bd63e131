//! Asks DNS servers what the switch wants to know of names. One thread; what an answer means is decided elsewhere
//! (`sip::locate`).

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError as LookupError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use sip::locate::{Answer, Ask, Fault, Host, Kind, Question, Records, Srv};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::NetError;

/// Questions that may wait for the thread. The machine asks fewer at once.
const WAITING: usize = 64;
/// How long a server may take before it is asked again, or another one is.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked again.
const ATTEMPTS: usize = 2;
/// However many servers there are, a question takes no longer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Where the system says whom to ask.
const SYSTEM: &str = "/etc/resolv.conf";

/// Takes the number of a question and what came of it.
type Sink = Arc<dyn Fn(u64, Result<Answer, Fault>) + Send + Sync>;

/// Says from which address of ours another one is reached.
pub type Reach = fn(SocketAddr) -> Option<IpAddr>;

/// The way to the thread that asks. It ends when this is dropped.
#[derive(Debug)]
pub struct Dns {
    asks: mpsc::Sender<Ask>,
    servers: watch::Sender<Vec<SocketAddr>>,
}

impl Dns {
    /// Starts the thread. It asks `servers`, or those of the system if there are none.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start(
        servers: Vec<SocketAddr>,
        reach: Reach,
        sink: impl Fn(u64, Result<Answer, Fault>) + Send + Sync + 'static,
    ) -> Result<Self, NetError> {
        let (asks, asked) = mpsc::channel(WAITING);
        let (servers, named) = watch::channel(servers);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(NetError::Dns)?;
        let sink: Sink = Arc::new(sink);
        let serve = move || {
            runtime.block_on(serve(Source { servers: named, known: None }, reach, asked, sink));
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("dns".to_owned()).spawn(serve).map_err(NetError::Dns)?;
        Ok(Self { asks, servers })
    }

    /// Asks these servers from now on, or those of the system if there are none. What was asked before may still be answered
    /// by those that it was asked of.
    pub fn ask_at(&self, servers: Vec<SocketAddr>) {
        self.servers.send_replace(servers);
    }

    /// Asks without waiting. A question that finds no room is not answered.
    pub fn ask(&self, ask: Ask) {
        // The search that it belongs to has a deadline.
        let _ = self.asks.try_send(ask);
    }
}

async fn serve(mut source: Source, reach: Reach, mut asked: mpsc::Receiver<Ask>, sink: Sink) {
    while let Some(Ask { id, question }) = asked.recv().await {
        let Some(resolver) = source.resolver() else {
            sink(id, Err(Fault::NoServer));
            continue;
        };
        let sink = sink.clone();
        tokio::spawn(async move {
            let answer = timeout(DEADLINE, answer(&resolver, &question, reach)).await;
            sink(id, answer.unwrap_or(Err(Fault::Silent)));
        });
    }
}

/// Whom to ask.
struct Source {
    servers: watch::Receiver<Vec<SocketAddr>>,
    /// Who asks, and of when the system's settings are that it was made by.
    known: Option<(Option<SystemTime>, TokioResolver)>,
}

impl Source {
    /// Who asks; made anew when other servers are named, or the system's settings have changed.
    fn resolver(&mut self) -> Option<TokioResolver> {
        if self.servers.has_changed().unwrap_or(false) {
            self.known = None;
        }
        let servers = self.servers.borrow_and_update().clone();
        let written = || std::fs::metadata(Path::new(SYSTEM)).ok()?.modified().ok();
        let age = if servers.is_empty() { written() } else { None };
        if self.known.as_ref().is_none_or(|(of, _)| *of != age) {
            self.known = make(&servers).map(|resolver| (age, resolver));
        }
        self.known.as_ref().map(|(_, resolver)| resolver.clone())
    }
}

fn make(servers: &[SocketAddr]) -> Option<TokioResolver> {
    let (config, mut options) = if servers.is_empty() {
        read_system_conf().ok()?
    } else {
        let servers = servers.iter().map(|server| name_server(*server)).collect();
        (ResolverConfig::from_parts(None, Vec::new(), servers), ResolverOpts::default())
    };
    (options.timeout, options.attempts) = (PATIENCE, ATTEMPTS);
    // What is known for how long is the machine's matter.
    options.cache_size = 0;
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().ok()
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    config
}

async fn answer(resolver: &TokioResolver, question: &Question, reach: Reach) -> Result<Answer, Fault> {
    let kind = match question.kind {
        Kind::Srv => RecordType::SRV,
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
    };
    resolver.clear_cache();
    // With its last dot, so that no search list is gone through.
    match resolver.lookup(format!("{}.", question.name), kind).await {
        Ok(found) => read(&found, question.kind, reach).ok_or(Fault::Nothing),
        Err(error) if is_endless(resolver, &error).await => Err(Fault::Unreadable),
        Err(error) => Err(fault(&error)),
    }
}

/// Aliases that go round in a circle look as if there was nothing at the last that was followed; but that is one, too.
async fn is_endless(resolver: &TokioResolver, error: &LookupError) -> bool {
    let LookupError::Dns(DnsError::NoRecordsFound(none)) = error else { return false };
    // Who gives the SOA says that there is nothing (RFC 2308 2.2).
    if none.response_code != ResponseCode::NoError || none.soa.is_some() {
        return false;
    }
    let found = resolver.lookup(none.query.name().clone(), RecordType::CNAME).await;
    found.is_ok_and(|found| found.answers().iter().any(|record| matches!(record.data, RData::CNAME(_))))
}

/// The records of the wanted kind, if there are any.
fn read(found: &Lookup, kind: Kind, reach: Reach) -> Option<Answer> {
    let answers = found.answers();
    let ttl = Duration::from_secs(answers.iter().map(|record| record.ttl).min()?.into());
    let host = |address: IpAddr| Host { address, ours: reach(SocketAddr::new(address, 9)) };
    let records = match kind {
        Kind::Srv => {
            let services: Vec<Srv> = answers.iter().filter_map(|record| service(&record.data)).collect();
            (!services.is_empty()).then_some(Records::Srv(services))
        }
        Kind::A | Kind::Aaaa => {
            let addresses = answers.iter().filter_map(|record| match &record.data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            });
            // More than count are not even looked at.
            let hosts: Vec<Host> = addresses.take(MAX_ADDRESSES).map(host).collect();
            (!hosts.is_empty()).then_some(Records::Hosts(hosts))
        }
    }?;
    Some(Answer { records, ttl })
}

/// Addresses of an answer that are looked at: each costs a system call.
const MAX_ADDRESSES: usize = 16;

fn service(data: &RData) -> Option<Srv> {
    let RData::SRV(record) = data else { return None };
    let target = record.target.to_ascii().to_ascii_lowercase();
    let target = target.strip_suffix('.').unwrap_or(&target).into();
    Some(Srv { priority: record.priority, weight: record.weight, port: record.port, target })
}

fn fault(error: &LookupError) -> Fault {
    match error {
        // A server that only points elsewhere knows nothing itself.
        LookupError::Dns(DnsError::NoRecordsFound(none)) if none.ns.is_none() || none.soa.is_some() => Fault::Nothing,
        LookupError::Dns(_) => Fault::Refused,
        LookupError::Proto(_) => Fault::Unreadable,
        _ => Fault::Silent,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};
    use std::sync::mpsc;

    use hickory_resolver::proto::op::Message;
    use hickory_resolver::proto::rr::rdata::{A, CNAME};
    use hickory_resolver::proto::rr::{Name, Record};

    use super::*;

    /// A server that knows aliases in a circle, an alias of a host, and nothing else; one with a host of its own at `address`.
    fn serve(socket: &UdpSocket, address: [u8; 4]) {
        let mut buffer = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let mut message = Message::from_vec(&buffer[..length]).expect("a question").into_response();
            let query = message.queries.first().expect("one").clone();
            let alias = |to: &str| RData::CNAME(CNAME(Name::from_ascii(to).expect("a name")));
            let data = match (query.name().to_ascii().to_ascii_lowercase().as_str(), query.query_type()) {
                ("a.test.", _) => Some(alias("b.test.")),
                ("b.test.", _) => Some(alias("c.test.")),
                ("c.test.", _) => Some(alias("a.test.")),
                ("self.test.", _) => Some(alias("self.test.")),
                ("alias.test.", _) => Some(alias("host.test.")),
                ("host.test.", RecordType::A) => Some(RData::A(A::from(Ipv4Addr::from(address)))),
                ("long.test.", _) => Some(alias("short.test.")),
                ("short.test.", _) => Some(alias("alias.test.")),
                _ => None,
            };
            let ttl = if query.name().to_ascii().starts_with("short.") { 7 } else { 60 };
            message.answers.extend(data.map(|data| Record::from_rdata(query.name().clone(), ttl, data)));
            socket.send_to(&message.to_vec().expect("an answer"), from).expect("sent");
        }
    }

    /// Such a server, and where it is.
    fn server(address: [u8; 4]) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let server = socket.local_addr().expect("an address");
        std::thread::spawn(move || serve(&socket, address));
        server
    }

    /// Who asks these servers, and gets answers.
    struct Asker {
        dns: Dns,
        answers: mpsc::Receiver<(u64, Result<Answer, Fault>)>,
    }

    impl Asker {
        fn of(servers: Vec<SocketAddr>) -> Self {
            let (told, answers) = mpsc::channel();
            let sink = move |id, answer| told.send((id, answer)).expect("somebody listens");
            Self { dns: Dns::start(servers, |to| Some(to.ip()), sink).expect("a thread"), answers }
        }

        fn ask(&self, id: u64, name: &str, kind: Kind) -> Result<Answer, Fault> {
            self.dns.ask(Ask { id, question: Question { name: name.into(), kind } });
            let (of, answer) = self.answers.recv_timeout(Duration::from_secs(30)).expect("an answer");
            assert_eq!(of, id);
            answer
        }
    }

    fn host(address: [u8; 4]) -> Records {
        let address = IpAddr::from(address);
        Records::Hosts(vec![Host { address, ours: Some(address) }])
    }

    #[test]
    fn of_several_aliases_the_shortest_time_to_live_holds() {
        let asker = Asker::of(vec![server([192, 0, 2, 1])]);
        for (id, name, ttl) in [(1, "host.test", 60), (2, "short.test", 7), (3, "long.test", 7)] {
            let answer = asker.ask(id, name, Kind::A).expect("an answer");
            assert_eq!((answer.records, answer.ttl), (host([192, 0, 2, 1]), Duration::from_secs(ttl)), "{name}");
        }
    }

    #[test]
    fn other_servers_are_asked_from_then_on() {
        let asker = Asker::of(vec![server([192, 0, 2, 1])]);
        assert_eq!(asker.ask(1, "host.test", Kind::A).map(|answer| answer.records), Ok(host([192, 0, 2, 1])));
        asker.dns.ask_at(vec![server([192, 0, 2, 2])]);
        assert_eq!(asker.ask(2, "host.test", Kind::A).map(|answer| answer.records), Ok(host([192, 0, 2, 2])));
    }

    #[test]
    fn aliases_in_a_circle_are_a_failure_and_those_that_end_are_followed() {
        let asker = Asker::of(vec![server([192, 0, 2, 1])]);
        let ask = |id, name: &str, kind| asker.ask(id, name, kind);
        for (id, name) in [(1, "a.test"), (2, "b.test"), (3, "self.test")] {
            assert_eq!(ask(id, name, Kind::A), Err(Fault::Unreadable), "{name}");
        }
        assert_eq!(ask(4, "alias.test", Kind::A).map(|answer| answer.records), Ok(host([192, 0, 2, 1])));
        assert_eq!(ask(5, "alias.test", Kind::Aaaa), Err(Fault::Nothing));
        assert_eq!(ask(6, "none.test", Kind::Srv), Err(Fault::Nothing));
    }
}
