//! Kamailio in front of the switch, as a session border controller stands there: phones register through it (Path), and calls go
//! through it both ways (Record-Route), also after it was started anew.

use std::time::Duration;

use tempfile::TempDir;
use tests::baresip::{Baresip, Manner, Registrar};
use tests::company::{Company, tones};
use tests::kamailio::Kamailio;
use tests::ports::Ports;
use tests::sound::assert_heard;
use tests::switch::Switch;
use tests::wait::{SOON, pause, until_true};

struct Scene {
    switch: Switch,
    kamailio: Option<Kamailio>,
    /// The port of Kamailio.
    port: u16,
    /// Users `agent1`, whose number is 3000, and `agent2`, whose number is 3001.
    phones: [Baresip; 2],
    folder: TempDir,
}

/// Two phones behind Kamailio, which register over `transport`.
fn scene(transport: &'static str) -> Scene {
    scene_with(transport, true)
}

/// The same; `answers`: whether they take calls by themselves.
fn scene_with(transport: &'static str, answers: bool) -> Scene {
    let (mut ports, folder) = (Ports::slice(), tempfile::tempdir().expect("a folder"));
    let port = ports.take(2);
    let mut company = Company::new(&ports).agent("register").agent("register");
    company.numbers.insert("3001", "{ user: agent2 }".to_owned());
    // Nobody is known by his address.
    company.trunk = "127.0.0.99".to_owned();
    let switch = Switch::start(&company);
    let kamailio = Kamailio::start_in_front(port, switch.address(), folder.path());
    let registrar = Registrar { address: kamailio.address(), transport };
    let phones = [("agent1", tones::AGENT), ("agent2", tones::OTHER_AGENT)].map(|(user, hertz)| {
        let manner = Manner { hertz, codecs: "PCMU/8000/1", answers };
        Baresip::register(user, &switch.password(user), registrar, manner, &mut ports, folder.path())
    });
    switch.wait_for_event("bound", 2, SOON);
    Scene { switch, kamailio: Some(kamailio), port, phones, folder }
}

impl Scene {
    fn kamailio(&self) -> &Kamailio {
        self.kamailio.as_ref().expect("it runs")
    }

    /// `from` calls the other one, and they talk.
    fn call(&mut self, from: usize, count: usize) {
        let address = self.kamailio().address();
        let number = if from == 0 { "3001" } else { "3000" };
        self.phones[from].dial(number, address);
        for phone in &self.phones {
            phone.wait_for("CALL_ESTABLISHED", count, SOON);
        }
        pause(Duration::from_secs(1));
    }

    /// `who` hangs up, and the other one hears of it.
    fn end(&mut self, who: usize, count: usize) {
        self.phones[who].hang_up();
        for phone in &self.phones {
            phone.wait_for("CALL_CLOSED", count, SOON);
        }
    }

    fn restart_kamailio(&mut self) {
        self.kamailio = None;
        self.kamailio = Some(Kamailio::start_in_front(self.port, self.switch.address(), self.folder.path()));
    }

    /// BYEs that went through it since it started.
    fn byes(&self) -> usize {
        self.kamailio().told().iter().filter(|line| line.starts_with("BYE ")).count()
    }
}

fn phones_call_each_other(transport: &'static str) {
    let mut s = scene(transport);
    // Each calls the other, and each hangs up: the caller's side and the called one's.
    for (count, (from, who)) in (1..).zip([(0, 0), (0, 1), (1, 0), (1, 1)]) {
        s.call(from, count);
        s.end(who, count);
        for (phone, hertz) in s.phones.iter().zip([tones::OTHER_AGENT, tones::AGENT]) {
            assert_heard("each hears the other", &phone.heard(), hertz, 0.5);
        }
    }
    // All of it went through Kamailio: an INVITE and a BYE on each leg.
    let told = s.kamailio().told();
    let said = |start: &str| told.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((said("INVITE to "), s.byes()), (4, 8), "{told:#?}");
    // Each INVITE of a phone is challenged once.
    assert_eq!(said("INVITE from "), 8, "{told:#?}");
    assert!(said("REGISTER from ") >= 4 && told.iter().any(|line| line.contains(transport)), "{told:#?}");
    let cdrs = s.switch.wait_for_cdrs(4);
    assert!(cdrs.iter().all(|cdr| cdr["disposition"] == "answered"), "{cdrs:#?}");
    s.switch.assert_quiet();
}

#[test]
fn phones_behind_it_call_each_other_over_udp() {
    phones_call_each_other("udp");
}

#[test]
fn phones_behind_it_call_each_other_over_tcp() {
    phones_call_each_other("tcp");
}

#[test]
fn it_is_started_anew_in_mid_call_and_between_calls() {
    let mut s = scene("udp");
    s.call(0, 1);
    s.restart_kamailio();
    // The BYEs find their way by Record-Route, the next call by Path.
    s.end(1, 1);
    until_true("both BYEs go through it", SOON, || s.byes() == 2);
    s.restart_kamailio();
    s.call(1, 2);
    s.end(1, 2);
    let cdrs = s.switch.wait_for_cdrs(2);
    let ended: Vec<_> = cdrs.iter().map(|cdr| cdr["hung_up_by"].as_str().unwrap_or_default()).collect();
    assert_eq!(ended, ["agent", "caller"], "{cdrs:#?}");
    s.switch.assert_quiet();
}

#[test]
fn calls_are_given_up_and_refused_through_it() {
    let mut s = scene_with("udp", false);
    let address = s.kamailio().address();
    s.phones[0].dial("3001", address);
    s.phones[1].wait_for("CALL_INCOMING", 1, SOON);
    s.phones[0].hang_up();
    s.phones[1].wait_for("CALL_CLOSED", 1, SOON);
    s.phones[0].dial("3001", address);
    s.phones[1].wait_for("CALL_INCOMING", 2, SOON);
    s.phones[1].hang_up();
    s.phones[0].wait_for("CALL_CLOSED", 2, SOON);
    let cdrs = s.switch.wait_for_cdrs(2);
    assert!(cdrs.iter().all(|cdr| cdr["talk_ms"] == 0), "{cdrs:#?}");
    s.switch.assert_quiet();
}
