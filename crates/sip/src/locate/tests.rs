//! RFC 3263 and RFC 2782 on a virtual clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base::{Mono, Now, Rng, Wall};

use super::*;

const BOTH: Families = Families { v4: true, v6: true };
const V4: Families = Families { v4: true, v6: false };
const TTL: Duration = Duration::from_secs(60);

/// A DNS with what a test puts into it, and a locator that asks it.
struct Scene {
    now: Now,
    rng: Rng,
    locator: Locator,
    dns: BTreeMap<(String, Kind), Result<Answer, Fault>>,
    asked: Vec<String>,
    site: Site,
}

fn site(name: &str, port: Option<u16>, transport: Transport) -> Site {
    Site { name: name.into(), port, transport }
}

fn hosts(addresses: &[&str]) -> Result<Answer, Fault> {
    let host = |address: &&str| {
        let address: IpAddr = address.parse().unwrap();
        Host { address, ours: Some(address) }
    };
    Ok(Answer { records: Records::Hosts(addresses.iter().map(host).collect()), ttl: TTL })
}

fn services(records: &[(u16, u16, u16, &str)]) -> Result<Answer, Fault> {
    let record = |&(priority, weight, port, target): &(u16, u16, u16, &str)| Srv {
        priority,
        weight,
        port,
        target: target.into(),
    };
    Ok(Answer { records: Records::Srv(records.iter().map(record).collect()), ttl: TTL })
}

impl Scene {
    fn new(site: Site, families: Families) -> Self {
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        let mut locator = Locator::default();
        locator.want(now, &[(site.clone(), families)].into());
        Self { now, rng: Rng::from_number(1), locator, dns: BTreeMap::new(), asked: Vec::new(), site }
    }

    fn put(&mut self, name: &str, kind: Kind, answer: Result<Answer, Fault>) -> &mut Self {
        self.dns.insert((name.to_owned(), kind), answer);
        self
    }

    /// Runs for so long; the DNS answers at once, or never where it knows of nothing.
    fn run(&mut self, time: Duration) -> Option<&Located> {
        let end = self.now.monotonic + time;
        loop {
            self.locator.handle_timeout(self.now, &mut self.rng);
            while let Some(ask) = self.locator.poll_ask() {
                let Question { name, kind } = &ask.question;
                self.asked.push(format!("{kind} {name}"));
                if let Some(answer) = self.dns.get(&(name.to_string(), *kind)).cloned() {
                    self.locator.handle_answer(self.now, ask.id, answer, &mut self.rng);
                }
            }
            let Some(due) = self.locator.poll_timeout().filter(|due| *due <= end) else { break };
            self.now.wall = self.now.wall + due.since(self.now.monotonic);
            self.now.monotonic = due;
        }
        self.now.wall = self.now.wall + end.since(self.now.monotonic);
        self.now.monotonic = end;
        self.locator.located(&self.site)
    }

    fn hops(&mut self) -> Vec<String> {
        let located = self.run(Duration::ZERO).expect("located");
        located.hops.iter().map(|hop| hop.address.to_string()).collect()
    }

    fn fault(&self) -> Option<Fault> {
        self.locator.located(&self.site).and_then(|located| located.fault)
    }
}

fn hop(priority: u16, weight: u16, address: &str, host: &str) -> Hop {
    let address: SocketAddr = address.parse().unwrap();
    Hop { address, ours: address.ip(), priority, weight, host: host.into() }
}

#[test]
fn a_name_with_a_port_is_a_host_and_no_service() {
    let mut s = Scene::new(site("a.test", Some(5070), Transport::Udp), BOTH);
    s.put("a.test", Kind::A, hosts(&["192.0.2.1"])).put("a.test", Kind::Aaaa, hosts(&["2001:db8::1"]));
    assert_eq!(s.hops(), ["[2001:db8::1]:5070", "192.0.2.1:5070"]);
    assert_eq!(s.asked, ["AAAA a.test", "A a.test"]);
}

#[test]
fn a_name_without_a_port_is_asked_for_the_service_of_its_transport() {
    for (transport, service) in [
        (Transport::Udp, "_sip._udp.a.test"),
        (Transport::Tcp, "_sip._tcp.a.test"),
        (Transport::Tls, "_sips._tcp.a.test"),
    ] {
        let mut s = Scene::new(site("a.test", None, transport), V4);
        s.put(service, Kind::Srv, services(&[(1, 0, 5090, "h.test")])).put("h.test", Kind::A, hosts(&["192.0.2.7"]));
        assert_eq!(s.hops(), ["192.0.2.7:5090"]);
        assert_eq!(s.asked, [format!("SRV {service}"), "A h.test".to_owned()]);
    }
}

#[test]
fn a_name_without_such_a_service_is_a_host_at_the_port_of_the_transport() {
    for (transport, port) in [(Transport::Udp, 5060), (Transport::Tcp, 5060), (Transport::Tls, 5061)] {
        let site = site("a.test", None, transport);
        let service = site.service().unwrap();
        let mut s = Scene::new(site, V4);
        s.put(&service, Kind::Srv, Err(Fault::Nothing)).put("a.test", Kind::A, hosts(&["192.0.2.1"]));
        assert_eq!(s.hops(), [format!("192.0.2.1:{port}")]);
    }
}

#[test]
fn a_service_of_the_root_is_none_and_the_host_is_not_tried() {
    let mut s = Scene::new(site("a.test", None, Transport::Udp), V4);
    s.put("_sip._udp.a.test", Kind::Srv, services(&[(0, 0, 0, "")])).put("a.test", Kind::A, hosts(&["192.0.2.1"]));
    assert_eq!(s.hops(), [""; 0]);
    assert_eq!(s.fault(), Some(Fault::NoService));
}

#[test]
fn a_dns_that_fails_on_the_service_does_not_lead_to_the_host() {
    let mut s = Scene::new(site("a.test", None, Transport::Udp), V4);
    s.put("_sip._udp.a.test", Kind::Srv, Err(Fault::Refused)).put("a.test", Kind::A, hosts(&["192.0.2.1"]));
    assert_eq!(s.hops(), [""; 0]);
    assert_eq!(s.fault(), Some(Fault::Refused));
}

#[test]
fn only_what_we_can_send_to_is_asked_for_and_taken() {
    let mut s = Scene::new(site("a.test", Some(5060), Transport::Udp), V4);
    let mut answer = hosts(&["192.0.2.1", "0.0.0.0", "224.0.0.1", "192.0.2.2", "2001:db8::1"]).unwrap();
    if let Records::Hosts(hosts) = &mut answer.records {
        hosts[0].ours = None;
    }
    s.put("a.test", Kind::A, Ok(answer));
    assert_eq!(s.hops(), ["192.0.2.2:5060"]);
    assert_eq!(s.asked, ["A a.test"]);
    let mut nowhere = hosts(&["192.0.2.1"]).unwrap();
    nowhere.records = Records::Hosts(vec![Host { address: "192.0.2.1".parse().unwrap(), ours: None }]);
    s.put("a.test", Kind::A, Ok(nowhere));
    s.run(TTL);
    assert_eq!(s.fault(), Some(Fault::NoRoute));
}

#[test]
fn an_answer_is_renewed_before_it_is_too_old_within_bounds() {
    for (ttl, from, to) in [(0, 5, 5), (60, 54, 54), (86_400 * 7, 3240, 3240)] {
        let mut s = Scene::new(site("a.test", Some(5060), Transport::Udp), V4);
        let records = hosts(&["192.0.2.1"]).unwrap().records;
        s.put("a.test", Kind::A, Ok(Answer { records, ttl: Duration::from_secs(ttl) }));
        s.run(Duration::ZERO);
        s.run(Duration::from_secs(from) - Duration::from_millis(1));
        assert_eq!(s.asked.len(), 1, "{ttl}");
        s.run(Duration::from_secs(to - from) + Duration::from_millis(1));
        assert_eq!(s.asked.len(), 2, "{ttl}");
    }
}

#[test]
fn the_last_answer_holds_while_the_dns_fails_but_not_for_ever_nor_against_its_word() {
    for fault in [Fault::Refused, Fault::Unreadable, Fault::Silent] {
        let mut s = Scene::new(site("a.test", Some(5060), Transport::Udp), V4);
        s.put("a.test", Kind::A, hosts(&["192.0.2.1"]));
        let until = s.run(Duration::ZERO).unwrap().until;
        if fault == Fault::Silent {
            s.dns.clear();
        } else {
            s.put("a.test", Kind::A, Err(fault));
        }
        let located = s.run(Duration::from_secs(3600)).unwrap();
        assert_eq!((located.hops.len(), located.fault, located.until), (1, Some(fault), until));
        // It is asked more and more seldom.
        assert!((10..40).contains(&s.asked.len()), "{}", s.asked.len());
        let before = s.asked.len();
        s.run(Duration::from_secs(3600));
        assert!((12..40).contains(&(s.asked.len() - before)), "{before} and {}", s.asked.len());
        assert_eq!(s.run(Duration::from_secs(4 * 86_400)).unwrap().hops, []);
        s.put("a.test", Kind::A, hosts(&["192.0.2.9"]));
        let located = s.run(Duration::from_secs(600)).unwrap();
        assert_eq!((located.hops.len(), located.fault), (1, None), "it is there again");
        s.put("a.test", Kind::A, Err(Fault::Nothing));
        let located = s.run(Duration::from_secs(60)).unwrap();
        assert_eq!((located.hops.len(), located.fault), (0, Some(Fault::Nothing)), "the DNS says so");
    }
}

#[test]
fn a_host_that_the_dns_fails_on_is_where_it_was_while_the_others_are_new() {
    let mut s = Scene::new(site("a.test", None, Transport::Udp), V4);
    s.put("_sip._udp.a.test", Kind::Srv, services(&[(1, 0, 5060, "b.test"), (2, 0, 5060, "c.test")]))
        .put("b.test", Kind::A, hosts(&["192.0.2.1"]))
        .put("c.test", Kind::A, hosts(&["192.0.2.2"]));
    assert_eq!(s.hops(), ["192.0.2.1:5060", "192.0.2.2:5060"]);
    s.put("b.test", Kind::A, Err(Fault::Refused)).put("c.test", Kind::A, hosts(&["192.0.2.3"]));
    s.run(TTL);
    assert_eq!(s.hops(), ["192.0.2.1:5060", "192.0.2.3:5060"]);
    assert_eq!(s.fault(), Some(Fault::Refused));
}

#[test]
fn hundreds_of_records_and_addresses_are_cut_and_few_questions_are_open() {
    let mut s = Scene::new(site("a.test", None, Transport::Udp), BOTH);
    let names: Vec<String> = (0..500).map(|n| format!("h{n}.test")).collect();
    let records: Vec<_> = names.iter().zip(0..).map(|(name, n): (_, u16)| (500 - n, 1, 5060, name.as_str())).collect();
    let many: Vec<String> = (0..100).map(|n| format!("192.0.2.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    s.put("_sip._udp.a.test", Kind::Srv, services(&records));
    for name in &names {
        s.put(name, Kind::A, hosts(&many)).put(name, Kind::Aaaa, Err(Fault::Nothing));
    }
    assert!(s.hops().len() <= 64);
    assert_eq!(s.asked.len(), 1 + 2 * 32, "of the lowest priorities alone");
    assert!(s.asked.contains(&"A h499.test".to_owned()) && !s.asked.contains(&"A h0.test".to_owned()));
    // A DNS that says nothing more is asked no more than a few at a time.
    let mut s = Scene::new(site("a.test", None, Transport::Udp), BOTH);
    s.put("_sip._udp.a.test", Kind::Srv, services(&records));
    s.run(Duration::from_secs(1));
    assert_eq!(s.asked.len(), 1 + 15 + 1);
}

#[test]
fn an_answer_to_another_question_is_none() {
    let mut s = Scene::new(site("a.test", None, Transport::Udp), V4);
    s.put("_sip._udp.a.test", Kind::Srv, hosts(&["192.0.2.1"]));
    s.hops();
    assert_eq!(s.fault(), Some(Fault::Unreadable));
    let (now, rng) = (s.now, &mut Rng::from_number(1));
    assert_eq!(s.locator.handle_answer(now, 999, hosts(&["192.0.2.1"]), rng), None);
}

#[test]
fn who_is_wanted_no_more_is_asked_for_no_more_and_others_stay_as_they_are() {
    let mut s = Scene::new(site("a.test", Some(1), Transport::Udp), V4);
    s.put("a.test", Kind::A, hosts(&["192.0.2.1"])).put("b.test", Kind::A, hosts(&["192.0.2.2"]));
    s.run(Duration::ZERO);
    let other = site("b.test", Some(2), Transport::Udp);
    s.locator.want(s.now, &[(s.site.clone(), V4), (other.clone(), V4)].into());
    s.run(Duration::ZERO);
    assert_eq!(s.asked, ["A a.test", "A b.test"], "the first is known");
    s.locator.want(s.now, &[(other.clone(), V4)].into());
    s.run(TTL);
    assert_eq!(s.asked, ["A a.test", "A b.test", "A b.test"]);
    assert!(s.locator.located(&s.site).is_none() && s.locator.located(&other).is_some());
}

#[test]
fn other_servers_are_asked_at_once_and_what_is_known_holds_until_they_answer() {
    let mut s = Scene::new(site("a.test", Some(5060), Transport::Udp), V4);
    s.put("a.test", Kind::A, hosts(&["192.0.2.1"]));
    assert_eq!(s.hops(), ["192.0.2.1:5060"]);
    s.locator.renew(s.now);
    // The new ones say nothing.
    s.dns.clear();
    assert_eq!(s.hops(), ["192.0.2.1:5060"]);
    assert_eq!(s.asked.len(), 2, "at once");
    assert_eq!(s.run(Duration::from_secs(3600)).unwrap().hops.len(), 1);
    // Others know better; it is not waited for the next of ever rarer attempts.
    s.put("a.test", Kind::A, hosts(&["192.0.2.2"]));
    s.locator.renew(s.now);
    assert_eq!(s.hops(), ["192.0.2.2:5060"]);
    // What those still answer who were asked before counts no more.
    s.run(Duration::from_secs(55));
    s.locator.renew(s.now);
    s.locator.handle_timeout(s.now, &mut s.rng);
    let old = s.locator.poll_ask().unwrap();
    s.locator.renew(s.now);
    s.put("a.test", Kind::A, hosts(&["192.0.2.3"]));
    assert_eq!(s.locator.handle_answer(s.now, old.id, hosts(&["192.0.2.9"]), &mut s.rng), None);
    assert_eq!(s.hops(), ["192.0.2.3:5060"]);
}

#[test]
fn what_waited_for_the_servers_before_is_not_asked_of_the_new_ones() {
    let mut s = Scene::new(site("a.test", None, Transport::Udp), V4);
    let names: Vec<String> = (0..32).map(|n| format!("h{n}.test")).collect();
    let records: Vec<_> = names.iter().map(|name| (1, 1, 5060, name.as_str())).collect();
    s.put("_sip._udp.a.test", Kind::Srv, services(&records));
    s.run(Duration::ZERO);
    assert_eq!(s.asked.len(), 1 + 16, "the other hosts wait, as nobody answers");
    s.asked.clear();
    s.put("_sip._udp.a.test", Kind::Srv, services(&[(1, 0, 5060, "b.test")]));
    s.put("b.test", Kind::A, hosts(&["192.0.2.1"]));
    s.locator.renew(s.now);
    assert_eq!(s.hops(), ["192.0.2.1:5060"], "nothing old stands before it");
    assert_eq!(s.asked, ["SRV _sip._udp.a.test", "A b.test"]);
}

#[test]
fn the_lowest_priority_comes_first_and_weights_share_the_first_places() {
    let hops = [
        hop(10, 60, "192.0.2.1:5060", "a"),
        hop(10, 30, "192.0.2.2:5060", "b"),
        hop(10, 10, "192.0.2.3:5060", "c"),
        hop(10, 0, "192.0.2.4:5060", "d"),
        hop(20, 1000, "192.0.2.5:5060", "e"),
    ];
    let mut rng = Rng::from_number(7);
    let mut first: BTreeMap<SocketAddr, u32> = BTreeMap::new();
    for _ in 0..10_000 {
        let ordered = order(&hops, &mut rng);
        assert_eq!(ordered.len(), 5);
        assert_eq!(ordered[4], hops[4].address, "another priority comes last, whatever its weight");
        *first.entry(ordered[0]).or_default() += 1;
    }
    let share = |n: usize| first.get(&hops[n].address).copied().unwrap_or(0);
    // 60, 30, 10 of 101 numbers, and 1 for who has no weight.
    for (n, expected) in [(0, 5940), (1, 2970), (2, 990), (3, 99)] {
        let (found, spread) = (share(n), 3 * u32::isqrt(expected) + 10);
        assert!(found.abs_diff(expected) <= spread, "{n}: {found} of {expected}");
    }
}

#[test]
fn without_weights_each_has_its_share_and_the_addresses_of_a_host_stay_together() {
    let hops = [
        hop(1, 0, "192.0.2.1:5060", "a"),
        hop(1, 0, "[2001:db8::1]:5060", "a"),
        hop(1, 0, "192.0.2.2:5060", "a"),
        hop(1, 0, "192.0.2.3:5060", "b"),
    ];
    let mut rng = Rng::from_number(3);
    let mut first: BTreeMap<SocketAddr, u32> = BTreeMap::new();
    for _ in 0..1000 {
        let ordered = order(&hops, &mut rng);
        let six = ordered.iter().position(SocketAddr::is_ipv6).unwrap();
        assert!(six == 0 || six == 1, "IPv6 first of its host: {ordered:?}");
        *first.entry(ordered[if six == 0 { 1 } else { 0 }]).or_default() += 1;
    }
    assert!(first.values().all(|count| *count > 150), "{first:?}");
    assert_eq!(first.len(), 3);
}
