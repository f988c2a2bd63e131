//! RFC 3263: trunks whose far ends are known by names. Each address that the DNS gives is a target of its own.

use journal::{TrunkDown, TrunkLocated, TrunkNotLocated, TrunkRests, TrunkUp};
use sip::Transport;
use sip::locate::Site;
use switch::{FarEnd, control::TrunkState};

use super::*;

const NAME: &str = "carrier.example";
const SERVICE: &str = "_sip._udp.carrier.example";
/// Three far ends.
const FIRST: &str = "127.0.0.11:5061";
const SECOND_ONE: &str = "127.0.0.12:5062";
const THIRD: &str = "127.0.0.13:5063";

fn named(name: &str, transport: Transport) -> FarEnd {
    let contact = format!("sip:{name};transport={}", transport.name()).parse().unwrap();
    FarEnd::Named { contact, site: Site { name: name.into(), port: None, transport }, listener: None }
}

fn by_name() -> Trunk {
    let to = named(NAME, Transport::Udp);
    let names = vec![to.site().unwrap().clone()];
    Trunk { to: Some(to), sources: Vec::new(), source_names: names, ..trunk("carrier", CARRIER) }
}

struct Far {
    s: Scene,
    ends: [SocketAddr; 3],
}

impl Far {
    /// The three in order of their priorities, and nobody else.
    fn of(config: Config) -> Self {
        let registers = config.trunks.iter().any(|trunk| trunk.register.is_some());
        let mut s = Scene::of(config);
        let ends = [FIRST, SECOND_ONE, THIRD].map(|end| s.world.phone(end));
        for end in ends.into_iter().filter(|_| registers) {
            s.world.at(end).carrier = Some(Carrier::new(REALM, Some(("acct", "secret"))));
        }
        let dns = &mut s.world.dns;
        dns.ttl = Duration::from_secs(60);
        for (host, address) in [("a", "127.0.0.11"), ("b", "127.0.0.12"), ("c", "127.0.0.13")] {
            dns.host(host, &[address]);
        }
        let mut far = Self { s, ends };
        far.serve(&[(10, 0, 5061, "a"), (20, 0, 5062, "b"), (30, 0, 5063, "c")]);
        far.s.world.run(SECOND);
        far
    }

    fn new() -> Self {
        Self::of(with(by_name()))
    }

    fn serve(&mut self, records: &[(u16, u16, u16, &str)]) {
        self.s.world.dns.service(SERVICE, records);
    }

    fn answers(&mut self, end: usize, status: u16) -> &mut Self {
        let end = self.ends[end];
        self.s.world.at(end).reflex = Some(status);
        self
    }

    /// Ada dials; gives who rang or answered by now.
    fn dial(&mut self) -> Vec<usize> {
        self.forget();
        self.s.dial();
        self.reached()
    }

    fn forget(&mut self) {
        for end in self.ends.into_iter().chain([self.s.ada]) {
            self.s.world.at(end).seen.clear();
        }
    }

    fn reached(&mut self) -> Vec<usize> {
        let ends = self.ends;
        (0..3).filter(|end| self.s.world.at(ends[*end]).saw(&Seen::Rings)).collect()
    }

    fn hang_up(&mut self) {
        let ada = self.s.ada;
        self.s.hang_up(ada);
        // Its caller may call again.
        self.s.world.run(SECOND);
    }

    fn state(&self) -> TrunkState {
        let states = self.s.world.switch.status(self.s.world.now).trunks;
        states.into_iter().find(|state| state.trunk == "carrier").unwrap()
    }

    fn told(&self) -> Vec<String> {
        self.s.told(|kind| match kind {
            Kind::TrunkLocated(TrunkLocated { at, .. }) => Some(format!("{} addresses", at.len())),
            Kind::TrunkNotLocated(TrunkNotLocated { kept, .. }) => Some(format!("lost, {kept} kept")),
            Kind::TrunkDown(TrunkDown { at: Some(at), .. }) => Some(format!("{at} down")),
            Kind::TrunkUp(TrunkUp { at: Some(at), .. }) => Some(format!("{at} up")),
            Kind::TrunkRests(TrunkRests { at, seconds, .. }) => Some(format!("{at} rests {seconds}")),
            _ => None,
        })
    }
}

#[test]
fn calls_go_to_the_service_of_the_name_and_keep_the_name_in_their_uri() {
    let mut far = Far::new();
    assert_eq!(far.answers(0, 200).dial(), [0]);
    assert!(far.s.saw(far.s.ada, &Seen::Answered));
    assert_eq!(far.told(), ["3 addresses"]);
    let state = far.state();
    let targets: Vec<_> = state.targets.iter().map(|t| (t.address.to_string(), t.priority, t.calls)).collect();
    assert_eq!(targets, [(FIRST.to_owned(), 10, 1), (SECOND_ONE.to_owned(), 20, 0), (THIRD.to_owned(), 30, 0)]);
    assert_eq!(state.to, "sip:carrier.example;transport=udp");
    far.hang_up();
    far.s.end();
}

#[test]
fn who_is_busy_is_passed_over_and_who_says_no_speaks_for_all() {
    for (status, goes_on) in [(503, true), (408, true), (486, false), (603, false), (404, false), (403, false)] {
        let mut far = Far::new();
        far.answers(0, status).answers(1, 503).answers(2, 200);
        let reached = far.dial();
        assert_eq!(reached == [0, 1, 2], goes_on, "{status}: {reached:?}");
        assert_eq!(far.s.saw(far.s.ada, &Seen::Answered), goes_on, "{status}");
        if goes_on {
            far.hang_up();
            far.s.world.run(QUIET);
            let cdr = far.s.world.cdrs.last().unwrap();
            assert_eq!(cdr.outside.len(), 3, "{cdr:?}");
            assert!(cdr.outside.iter().all(|leg| leg.call.grant.as_deref() == Some("all")));
        }
        far.s.end();
    }
}

#[test]
fn silence_is_passed_over_after_some_seconds_where_there_is_another_address() {
    let mut far = Far::new();
    let silent = far.ends[0];
    far.s.world.cut_off(silent, true);
    far.answers(1, 200);
    assert_eq!(far.dial(), [] as [usize; 0]);
    far.s.world.run(4 * SECOND);
    assert_eq!(far.reached(), [1]);
    assert!(far.s.saw(far.s.ada, &Seen::Answered));
}

#[test]
fn when_all_fail_the_call_goes_to_the_trunk_in_its_place() {
    let mut config = with(Trunk { failover: Some("other".into()), ..by_name() });
    config.trunks.push(trunk("other", "127.0.0.4:5060"));
    let mut far = Far::of(config);
    let other = far.s.world.phone("127.0.0.4:5060");
    far.answers(0, 503).answers(1, 503).answers(2, 503);
    assert_eq!(far.dial(), [0, 1, 2]);
    assert!(far.s.saw(other, &Seen::Rings));
    // And at once when the name leads nowhere.
    far.hang_up();
    far.s.world.at(other).seen.clear();
    far.serve(&[(0, 0, 0, "")]);
    far.s.world.run(Duration::from_secs(60));
    assert_eq!(far.dial(), [] as [usize; 0]);
    assert!(far.s.saw(other, &Seen::Rings));
}

#[test]
fn each_address_is_watched_and_the_one_that_is_down_is_not_tried() {
    let watch = Watch { every: 10 * SECOND, timeout: SECOND, down_after: 2, up_after: 2 };
    let mut far = Far::of(with(Trunk { health: Some(watch), ..by_name() }));
    let first = far.ends[0];
    far.s.world.cut_off(first, true);
    far.s.world.run(30 * SECOND);
    assert_eq!(far.told(), ["3 addresses".to_owned(), format!("{FIRST} down")]);
    assert_eq!(far.answers(1, 200).dial(), [1]);
    let state = far.state();
    assert!(state.up && !state.targets[0].up && state.targets[1].up, "{state:?}");
    far.hang_up();
    far.s.world.cut_off(first, false);
    far.s.world.run(30 * SECOND);
    assert_eq!(far.told().last(), Some(&format!("{FIRST} up")));
    assert_eq!(far.answers(0, 200).dial(), [0]);
}

#[test]
fn another_answer_of_the_dns_is_followed_by_the_next_call_and_the_live_one_stays() {
    let mut far = Far::new();
    far.answers(0, 200).answers(1, 200);
    assert_eq!(far.dial(), [0]);
    far.serve(&[(1, 0, 5062, "b")]);
    far.s.world.run(Duration::from_secs(60));
    assert_eq!(far.told(), ["3 addresses", "1 addresses"]);
    let state = far.state();
    let targets: Vec<_> = state.targets.iter().map(|t| (t.address.to_string(), t.leaving, t.calls)).collect();
    assert_eq!(targets, [(FIRST.to_owned(), true, 1), (SECOND_ONE.to_owned(), false, 0)]);
    assert!(!far.s.saw(far.s.ada, &Seen::Ended));
    far.hang_up();
    assert!(far.s.saw(far.ends[0], &Seen::Ended), "it is told where it is");
    assert_eq!(far.state().targets.len(), 1, "it went with its last call");
    assert_eq!(far.dial(), [1]);
    far.hang_up();
    far.s.end();
}

#[test]
fn a_reload_with_another_name_looks_that_up_and_live_calls_stay() {
    let mut far = Far::new();
    far.answers(0, 200).answers(2, 200);
    assert_eq!(far.dial(), [0]);
    far.s.world.dns.service("_sip._udp.other.example", &[(1, 0, 5063, "c")]);
    let other = Trunk { to: Some(named("other.example", Transport::Udp)), ..by_name() };
    far.s.world.reconfigure(with(other));
    far.s.world.run(SECOND);
    assert!(!far.s.saw(far.s.ada, &Seen::Ended));
    far.hang_up();
    assert_eq!(far.dial(), [2]);
}

#[test]
fn a_dns_that_is_dead_is_told_once_and_calls_go_on() {
    let mut far = Far::new();
    far.answers(0, 200);
    far.s.world.dns.silent = true;
    far.s.world.run(Duration::from_secs(3600));
    assert_eq!(far.told(), ["3 addresses", "lost, 3 kept"]);
    let name = far.state().names.remove(0);
    assert_eq!((name.name.as_str(), name.addresses), (NAME, 3));
    assert!(name.until.unwrap() < far.s.world.now.wall && name.fault.is_some(), "{name:?}");
    assert_eq!(far.dial(), [0]);
    far.s.world.dns.silent = false;
    far.s.world.run(Duration::from_secs(400));
    assert_eq!(far.told(), ["3 addresses", "lost, 3 kept", "3 addresses"]);
}

#[test]
fn a_name_that_leads_nowhere_refuses_calls_at_once_and_help_as_well() {
    let mut config = with(by_name());
    config.emergency = Some(switch::Emergency { numbers: ["112".into()].into(), trunk: "carrier".into() });
    let mut far = Far::of(config);
    far.serve(&[(0, 0, 0, "")]);
    far.s.world.run(Duration::from_secs(60));
    assert_eq!(far.told(), ["3 addresses", "lost, 0 kept"]);
    assert_eq!(far.dial(), [] as [usize; 0]);
    assert!(far.s.saw(far.s.ada, &Seen::Refused(503)), "{:?}", far.s.world.at(far.s.ada).seen);
    far.s.world.with_phone(far.s.ada, |phone, now| phone.call(now, "101", "112"));
    far.s.world.run(SECOND);
    assert!(!far.s.world.at(far.s.ada).saw(&Seen::Answered));
    far.s.end();
}

#[test]
fn who_calls_from_where_the_name_leads_is_the_trunk_and_nobody_else() {
    let mut far = Far::new();
    let call = |far: &mut Far, end: usize| {
        let end = far.ends[end];
        far.s.world.at(end).seen.clear();
        far.s.world.with_phone(end, |phone, now| phone.call(now, "+49301", "1000"));
        far.s.world.run(SECOND);
        let answered = far.s.saw(end, &Seen::Answered);
        far.s.hang_up(end);
        answered
    };
    assert!(call(&mut far, 1));
    far.serve(&[(1, 0, 5061, "a")]);
    far.s.world.run(Duration::from_secs(60));
    assert!(call(&mut far, 0));
    assert!(!call(&mut far, 1), "the name leads there no more");
    far.s.world.dns.silent = true;
    far.s.world.run(Duration::from_secs(3600));
    assert!(call(&mut far, 0), "as far as one knows");
}

#[test]
fn it_registers_where_the_name_leads_and_elsewhere_when_nobody_answers() {
    let register = Register { contact: "acct".into(), expires: Duration::from_secs(600) };
    let trunk = Trunk { login: Some(login(REALM)), register: Some(register), ..by_name() };
    let mut far = Far::of(with(trunk));
    let bound = |far: &mut Far, end: usize| {
        let end = far.ends[end];
        far.s.world.at(end).carrier.as_ref().unwrap().registers.len()
    };
    assert!(bound(&mut far, 0) > 0 && bound(&mut far, 1) == 0);
    assert_eq!(far.state().registered, Some(true));
    let first = far.ends[0];
    far.s.world.cut_off(first, true);
    far.s.world.run(Duration::from_secs(700));
    assert!(bound(&mut far, 1) > 0, "the next one");
    assert_eq!((far.state().registered, bound(&mut far, 2)), (Some(true), 0));
    // The name leads to the third alone.
    far.serve(&[(1, 0, 5063, "c")]);
    far.s.world.run(Duration::from_secs(70));
    assert!(bound(&mut far, 2) > 0);
}

#[test]
fn who_asks_for_a_rest_has_it_and_no_longer_than_an_hour() {
    for (asked, rest) in [(120, 120), (999_999, 3600)] {
        let mut far = Far::new();
        let first = far.ends[0];
        far.s.world.at(first).retry_after = Some(asked);
        far.answers(0, 503).answers(1, 200);
        assert_eq!(far.dial(), [0, 1]);
        far.hang_up();
        far.answers(0, 200);
        assert_eq!(far.dial(), [1], "it is left in peace");
        far.hang_up();
        assert_eq!(far.told().last(), Some(&format!("{FIRST} rests {rest}")));
        assert!(far.state().targets[0].rests_until.is_some());
        far.s.world.run(Duration::from_secs(rest));
        assert_eq!(far.dial(), [0]);
        far.hang_up();
        far.s.end();
    }
}

#[test]
fn a_trunk_at_a_fixed_address_may_rest_too() {
    let mut config = with(Trunk { failover: Some("other".into()), ..trunk("carrier", CARRIER) });
    config.trunks.push(trunk("other", "127.0.0.4:5060"));
    let mut s = Scene::of(config);
    let (carrier, other) = (s.carrier, s.world.phone("127.0.0.4:5060"));
    s.world.at(carrier).carrier = None;
    (s.world.at(carrier).reflex, s.world.at(carrier).retry_after) = (Some(503), Some(60));
    for (round, rings) in [(0, true), (1, false), (2, true)] {
        s.world.at(carrier).seen.clear();
        s.dial();
        assert_eq!((s.saw(carrier, &Seen::Rings), s.saw(other, &Seen::Rings)), (rings, true), "{round}");
        s.hang_up(s.ada);
        s.world.run(Duration::from_secs(if round == 1 { 60 } else { 1 }));
    }
    s.end();
}

#[test]
fn under_tls_the_domain_is_to_be_proven_and_no_address_proves_two() {
    let secure = |name: &str, domain: &str| {
        let to = named(domain, Transport::Tls);
        Trunk { to: Some(to), source_names: Vec::new(), ..Trunk { name: name.into(), ..by_name() } }
    };
    let mut config = with(secure("carrier", NAME));
    config.trunks.push(secure("other", "other.example"));
    let now = base::Now { monotonic: base::Mono::from_nanos(1), wall: base::Wall::from_unix_micros(0) };
    let listener = sip::Listener { transport: Transport::Tls, local: CARRIER.parse().unwrap(), advertised: None };
    let setup = switch::Setup {
        sip: sip::StackConfig::new("test", vec![listener]),
        node: 0,
        version: "test".into(),
        strategy: None,
        rng: base::Rng::from_number(1),
        charges: journal::Charges::default(),
    };
    let mut switch = switch::Switch::new(now, config, setup);
    let mut dns = sim::Dns::default();
    dns.service("_sips._tcp.carrier.example", &[(1, 0, 5061, "a"), (1, 0, 5061, "b")]);
    dns.service("_sips._tcp.other.example", &[(1, 0, 5061, "b"), (1, 0, 5061, "c")]);
    for (host, address) in [("a", "127.0.0.11"), ("b", "127.0.0.12"), ("c", "127.0.0.13")] {
        dns.host(host, &[address]);
    }
    switch.handle_timeout(now);
    let mut proofs = None;
    while let Some(ask) = switch.poll_ask() {
        switch.handle_answer(now, ask.id, dns.answer(&ask.question).unwrap());
        proofs = switch.poll_proofs().or(proofs);
    }
    let proofs: Vec<_> = proofs.unwrap().into_iter().map(|(at, name)| format!("{at} {name}")).collect();
    assert_eq!(
        proofs,
        ["127.0.0.11:5061 carrier.example", "127.0.0.12:5061 carrier.example", "127.0.0.13:5061 other.example"]
    );
    let other = switch.status(now).trunks.into_iter().find(|state| state.trunk == "other").unwrap();
    assert_eq!(other.targets.len(), 1);
    assert!(other.names[0].fault.as_ref().unwrap().contains("trunk carrier's"), "{other:?}");
}

#[test]
fn another_address_is_tried_for_the_same_call_and_takes_nothing_from_the_rate() {
    let mut far = Far::of(with(Trunk { calls_per_second: Some(1), ..by_name() }));
    far.answers(0, 503).answers(1, 503).answers(2, 200);
    assert_eq!(far.dial(), [0, 1, 2]);
    assert!(far.s.saw(far.s.ada, &Seen::Answered));
    // One call was placed, and its second is over: there is room for the next.
    far.answers(0, 200);
    let second = far.s.world.phone("127.0.0.1:5072");
    far.s.world.with_phone(second, |phone, now| phone.call(now, "101", NUMBER));
    far.s.world.run(SECOND);
    assert!(far.s.saw(second, &Seen::Answered), "{:?}", far.s.world.at(second).seen);
    assert_eq!(far.state().met, switch::control::LimitsMet::default());
}

#[test]
fn a_name_that_leads_to_ourselves_leads_nowhere() {
    let mut far = Far::new();
    far.s.world.dns.host("us", &["127.0.0.1"]);
    far.serve(&[(1, 0, 5060, "us"), (2, 0, 5062, "b")]);
    far.s.world.run(Duration::from_secs(60));
    assert_eq!(far.answers(1, 200).dial(), [1]);
    let state = far.state();
    let targets: Vec<_> = state.targets.iter().map(|target| target.address.to_string()).collect();
    assert_eq!(targets, [SECOND_ONE]);
    assert_eq!(state.names[0].fault.as_deref(), Some("127.0.0.1:5060 is a listener of ours"));
    far.hang_up();
    far.s.end();
}

#[test]
fn a_password_is_given_wherever_the_name_leads() {
    let mut far = Far::of(with(Trunk { login: Some(login(REALM)), ..by_name() }));
    for end in far.ends {
        far.s.world.at(end).carrier = Some(Carrier::new(REALM, Some(("acct", "secret"))));
    }
    assert_eq!(far.dial(), [0]);
    far.hang_up();
    far.serve(&[(1, 0, 5062, "b")]);
    far.s.world.run(Duration::from_secs(60));
    assert_eq!(far.dial(), [1]);
    far.hang_up();
    let failed = far.s.told(|kind| if let Kind::LoginFailed { why, .. } = kind { Some(*why) } else { None });
    assert_eq!(failed, []);
    far.s.end();
}

/// What a switch with these listeners and trunks asks the DNS for, and what it knows of them by its answers.
fn asked(listeners: &[&str], trunks: Vec<Trunk>, dns: &mut sim::Dns) -> (Vec<String>, Vec<TrunkState>) {
    let now = base::Now { monotonic: base::Mono::from_nanos(1), wall: base::Wall::from_unix_micros(0) };
    let listener =
        |local: &&str| sip::Listener { transport: Transport::Udp, local: local.parse().unwrap(), advertised: None };
    let setup = switch::Setup {
        sip: sip::StackConfig::new("test", listeners.iter().map(listener).collect()),
        node: 0,
        version: "test".into(),
        strategy: None,
        rng: base::Rng::from_number(1),
        charges: journal::Charges::default(),
    };
    let mut config = with(trunks[0].clone());
    config.trunks = trunks;
    let mut switch = switch::Switch::new(now, config, setup);
    switch.handle_timeout(now);
    let mut asked = Vec::new();
    while let Some(ask) = switch.poll_ask() {
        asked.push(format!("{} {}", ask.question.kind, ask.question.name));
        switch.handle_answer(now, ask.id, dns.answer(&ask.question).unwrap());
    }
    (asked, switch.status(now).trunks)
}

fn at(state: &TrunkState) -> Vec<String> {
    state.targets.iter().map(|target| target.address.to_string()).collect()
}

#[test]
fn a_trunk_with_a_listener_goes_to_addresses_that_it_can_send_to() {
    let mut dns = sim::Dns::default();
    dns.service(SERVICE, &[(1, 0, 5061, "a")]);
    dns.host("a", &["127.0.0.11", "2001:db8::11"]);
    let by = |name: &str, listener| {
        let to = named(NAME, Transport::Udp).by_listener(listener);
        Trunk { name: name.into(), to: Some(to), source_names: Vec::new(), ..by_name() }
    };
    let (both, v4, v6) = (["127.0.0.11:5061", "[2001:db8::11]:5061"], ["127.0.0.11:5061"], ["[2001:db8::11]:5061"]);
    let listeners = ["127.0.0.1:5060", "[::1]:5060", "[::]:5070", "[::]:5060"];
    for (listener, kinds, found) in [
        (None, &["AAAA a", "A a"][..], &both[..]),
        (Some(0), &["A a"], &v4),
        (Some(1), &["AAAA a"], &v6),
        // On `[::]` both, but where another one has its port for IPv4.
        (Some(2), &["AAAA a", "A a"], &both),
        (Some(3), &["AAAA a"], &v6),
    ] {
        let (asked, states) = asked(&listeners, vec![by("carrier", listener)], &mut dns);
        assert_eq!(asked[1..], *kinds, "{listener:?}");
        let mut at = at(&states[0]);
        at.sort();
        let mut found = found.to_vec();
        found.sort_unstable();
        assert_eq!(at, found, "{listener:?}");
    }
    // Of one name each takes what it can.
    let (_, states) = asked(&listeners, vec![by("four", Some(0)), by("six", Some(1))], &mut dns);
    assert_eq!(states.iter().map(at).collect::<Vec<_>>(), [v4, v6]);
    dns.host("a", &["127.0.0.11"]);
    let (_, states) = asked(&listeners, vec![by("four", Some(0)), by("six", Some(1))], &mut dns);
    assert_eq!((at(&states[0]).len(), at(&states[1]).len()), (1, 0));
    let fault = states[1].names[0].fault.clone().unwrap_or_default();
    assert!(fault.contains("no address of the IP version of the listener"), "{fault}");
}

#[test]
fn a_call_of_ours_that_comes_back_is_no_trunks() {
    let from = Site { name: "elsewhere.example".into(), port: None, transport: Transport::Udp };
    let trunk = Trunk { to: None, source_names: vec![from], ..by_name() };
    let mut dns = sim::Dns::default();
    dns.host("elsewhere.example", &["127.0.0.1", "127.0.0.44"]);
    let (_, states) = asked(&["127.0.0.1:5060"], vec![trunk.clone()], &mut dns);
    assert_eq!(states[0].names[0].fault.as_deref(), Some("127.0.0.1:5060 is a listener of ours"));
    let mut far = Far::of(with(trunk));
    far.s.world.dns.host("elsewhere.example", &["127.0.0.1", "127.0.0.44"]);
    far.s.world.run(Duration::from_secs(600));
    for (address, let_in) in [("127.0.0.44:5060", true), ("127.0.0.1:5099", false)] {
        let end = far.s.world.phone(address);
        far.s.world.with_phone(end, |phone, now| phone.call(now, "+49301", "1000"));
        far.s.world.run(SECOND);
        assert_eq!(far.s.saw(end, &Seen::Answered), let_in, "{address}");
        far.s.hang_up(end);
    }
}

#[test]
fn other_dns_servers_are_asked_at_once() {
    let mut far = Far::new();
    far.answers(1, 200);
    far.serve(&[(1, 0, 5062, "b")]);
    let now = far.s.world.now;
    far.s.world.switch.ask_anew(now);
    far.s.world.run(SECOND);
    assert_eq!(far.told(), ["3 addresses", "1 addresses"]);
    assert_eq!(far.dial(), [1]);
}
