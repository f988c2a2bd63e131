//! RFC 3261 10.2: we register at the far end of a trunk, and calls that come by that are the trunk's.

use journal::{Direction, Origin, TrunkRegistered, TrunkUnregistered};

use super::*;

fn registers() -> Trunk {
    let register = Register { contact: "acct".into(), expires: Duration::from_secs(600) };
    let to = trunk("carrier", CARRIER);
    Trunk { sources: Vec::new(), login: Some(login(REALM)), register: Some(register), ..to }
}

fn config() -> Config {
    let mut config = with(registers());
    config.numbers.insert("acct".into(), switch::Destination::User("101".into()));
    config.numbers.insert("+4930123".into(), switch::Destination::User("102".into()));
    config
}

fn scene() -> Scene {
    let mut s = Scene::of(config());
    s.world.run(SECOND);
    s
}

impl Scene {
    fn at_carrier(&mut self) -> &mut Carrier {
        let carrier = self.carrier;
        self.world.at(carrier).carrier.as_mut().unwrap()
    }

    fn states(&self) -> Vec<String> {
        self.told(|kind| match kind {
            Kind::TrunkRegistered(TrunkRegistered { seconds, .. }) => Some(format!("registered {seconds}")),
            Kind::TrunkUnregistered(TrunkUnregistered { status, .. }) => {
                Some(format!("unregistered {}", status.unwrap_or(0)))
            }
            _ => None,
        })
    }

    /// The `line` of the contact that is bound.
    fn line(&mut self) -> String {
        let contact = self.at_carrier().bound.clone().unwrap();
        contact.split_once(";line=").unwrap().1.trim_end_matches('>').to_owned()
    }
}

#[test]
fn it_registers_proves_itself_and_renews_in_one_series() {
    let mut s = scene();
    assert_eq!(s.states(), ["registered 600"]);
    s.world.run(Duration::from_secs(2000));
    let registers = s.at_carrier().registers.clone();
    assert!((4..=6).contains(&registers.len()), "{registers:?}");
    assert!(registers.windows(2).all(|two| two[0].cseq < two[1].cseq && two[0].call_id == two[1].call_id));
    assert!(registers.iter().all(|register| register.contact == registers[0].contact && register.expires == 600));
    assert_eq!(s.states(), ["registered 600"], "renewals are not told");
    assert!(s.world.switch.is_quiet());
}

#[test]
fn a_call_by_our_contact_is_the_trunks_wherever_it_comes_from() {
    let mut s = scene();
    let line = s.line();
    let gateway = s.world.phone("127.0.0.9:5060");
    for (line, comes) in [(Some(line.clone()), true), (Some("guess".to_owned()), false), (None, false)] {
        s.world.at(gateway).line = line;
        s.world.with_phone(gateway, |phone, now| phone.call(now, "+49301", "acct"));
        s.world.run(SECOND);
        assert_eq!(s.saw(gateway, &Seen::Refused(401)), !comes, "{:?}", s.world.at(gateway).seen);
        s.hang_up(gateway);
        s.world.at(gateway).seen.clear();
    }
    let origin = s.told(|kind| match kind {
        Kind::CallBegan { origin, direction, .. } => Some((origin.clone(), *direction)),
        _ => None,
    });
    assert_eq!(origin, [(Origin::Trunk("carrier".into()), Direction::Inbound)]);
    s.end();
}

#[test]
fn a_call_from_the_registrars_own_address_is_the_trunks_and_to_says_who_was_dialled() {
    let mut s = scene();
    let alan = s.world.phone("127.0.0.1:5072");
    let carrier = s.world.phone("127.0.0.3:5099");
    s.world.at(carrier).to = Some("+4930123".into());
    s.world.with_phone(carrier, |phone, now| phone.call(now, "+49301", "acct"));
    s.world.run(SECOND);
    assert!(s.saw(alan, &Seen::Rings) && !s.saw(s.ada, &Seen::Rings));
    s.hang_up(carrier);
    // Whatever else is dialled is what the URI says.
    s.world.with_phone(carrier, |phone, now| phone.call(now, "+49301", "101"));
    s.world.run(SECOND);
    assert!(s.saw(s.ada, &Seen::Rings));
    s.hang_up(carrier);
    s.end();
}

#[test]
fn who_drains_takes_his_registration_back_before_he_ends() {
    let mut s = scene();
    let now = s.world.now;
    s.world.switch.drain(now, SECOND);
    assert!(!s.world.switch.is_quiet(), "not before the far end knows");
    s.world.run(SECOND);
    assert_eq!(s.at_carrier().bound, None);
    assert_eq!(s.states(), ["registered 600", "unregistered 0"]);
    assert!(s.world.switch.is_quiet());
}

#[test]
fn a_trunk_that_registers_no_more_or_otherwise_is_left() {
    let mut s = scene();
    s.world.reconfigure(with(trunk("carrier", CARRIER)));
    s.world.run(SECOND);
    assert_eq!(s.at_carrier().bound, None);
    s.world.reconfigure(config());
    s.world.run(SECOND);
    assert_eq!(s.states(), ["registered 600", "unregistered 0", "registered 600"]);
    let contact = s.at_carrier().bound.clone().unwrap();
    s.world.reconfigure(config());
    s.world.run(SECOND);
    assert_eq!(s.at_carrier().bound.clone().unwrap(), contact, "what is the same goes on");
    let mut other = config();
    other.trunks.iter_mut().find(|trunk| trunk.register.is_some()).unwrap().register =
        Some(Register { contact: "other".into(), expires: Duration::from_secs(60) });
    s.world.reconfigure(other);
    s.world.run(SECOND);
    assert!(
        s.at_carrier().bound.clone().is_some_and(|bound| bound.contains("other@")),
        "{:#?}",
        s.at_carrier().registers
    );
}

#[test]
fn a_failure_is_told_once_and_its_end_too() {
    let mut s = Scene::of(config());
    s.at_carrier().reply = 503;
    s.at_carrier().headers = vec![("Retry-After".into(), "100 (busy)".into())];
    s.world.run(Duration::from_secs(250));
    let at: Vec<_> = s.at_carrier().registers.iter().map(|register| register.at).collect();
    assert_eq!(at.len(), 3, "{at:?}");
    assert_eq!(s.states(), ["unregistered 503"]);
    (s.at_carrier().reply, s.at_carrier().headers) = (200, Vec::new());
    s.world.run(Duration::from_secs(200));
    assert_eq!(s.states(), ["unregistered 503", "registered 600"]);
}

#[test]
fn a_far_end_that_is_silent_or_gone_is_asked_again() {
    let mut s = Scene::of(config());
    let carrier = s.carrier;
    s.world.unplug(carrier);
    s.world.run(Duration::from_secs(100));
    assert_eq!(s.states(), ["unregistered 408"]);
    s.world.phone(CARRIER);
    s.world.at(carrier).carrier = Some(Carrier::new(REALM, Some(("acct", "secret"))));
    s.world.run(Duration::from_secs(200));
    assert_eq!(s.states(), ["unregistered 408", "registered 600"]);
}

#[test]
fn min_expires_is_honoured_at_once() {
    let mut s = Scene::of(config());
    s.at_carrier().grants.0 = 1800;
    s.world.run(SECOND);
    let asked: Vec<u32> = s.at_carrier().registers.iter().map(|register| register.expires).collect();
    assert_eq!(asked, [600, 1800]);
    assert_eq!(s.states(), ["registered 1800"]);
}

#[test]
fn a_redirection_is_followed_and_another_machine_is_not_told_who_we_are() {
    for (elsewhere, asks, is_bound) in
        [("127.0.0.3:5070", true, true), ("127.0.0.8:5060", false, true), ("127.0.0.8:5060", true, false)]
    {
        let mut s = Scene::of(config());
        s.at_carrier().reply = 302;
        s.at_carrier().headers = vec![("Contact".into(), format!("<sip:{elsewhere}>"))];
        let other = s.world.phone(elsewhere);
        s.world.at(other).carrier = Some(Carrier::new(REALM, asks.then_some(("acct", "secret"))));
        s.world.run(SECOND);
        let bound = s.world.at(other).carrier.as_ref().unwrap().bound.is_some();
        assert_eq!(bound, is_bound, "{elsewhere} {asks}");
        assert_eq!(s.states(), if is_bound { ["registered 600"] } else { ["unregistered 401"] });
    }
}

#[test]
fn a_far_end_that_sends_us_round_in_a_circle_is_given_up_for_a_while() {
    let mut s = Scene::of(config());
    s.at_carrier().reply = 302;
    s.at_carrier().headers = vec![("Contact".into(), format!("<sip:{CARRIER}>"))];
    s.world.run(SECOND);
    assert_eq!(s.at_carrier().registers.len(), 4);
    assert_eq!(s.states(), ["unregistered 302"]);
}
