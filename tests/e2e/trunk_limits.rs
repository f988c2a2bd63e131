//! A trunk whose far end calls more often than it may: SIPp, above both limits; and one that is full when we call.

use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::{self, SOON};

use crate::control::{metric, metrics_of};

/// `count` calls of a trunk with these limits, `rate` a second.
fn calls(limits: &str, count: &str, rate: &str) -> (f64, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.trunk = "127.0.0.99".to_owned();
    company.trunks.push(format!("far: {{ from: 127.0.0.1, {limits} }}"));
    company.control.insert("metrics", "127.0.0.1:0".to_owned());
    let mut switch = Switch::start(&company);
    let metrics = metrics_of(&mut switch);
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-m", count, "-r", rate, "-d", "300"];
    let to = switch.address();
    let mut sipp = Sipp::calling("caller_is_one_too_many", "1002", to, port, media, folder.path(), &options);
    sipp.succeed(2 * SOON);
    let met = |limit: &str| {
        metric(metrics, &format!("strowger_trunk_limits_met_total{{trunk=\"far\",direction=\"in\",limit=\"{limit}\"}}"))
    };
    let (channels, rate) = (met("channels"), met("calls_per_second"));
    // Each call was answered, and has its record, or was refused by a limit, and has none.
    let refused = channels + rate;
    let all: f64 = count.parse().expect("a number");
    let cdrs = switch.wait_for_cdrs((all - refused) as usize);
    assert!(cdrs.iter().all(|cdr| cdr["origin"]["trunk"] == "far"), "{cdrs:#?}");
    assert_eq!(cdrs.len() as f64 + refused, all);
    let told = switch.told(&["trunks"]);
    let limit = if channels > 0.0 { ("channels", channels) } else { ("calls_per_second", rate) };
    assert!(told.contains(&format!("{} met: 0 calls out, {} in", limit.0, limit.1)), "{told}");
    wait::until_true("all channels are free", SOON, || {
        metric(metrics, "strowger_trunk_calls{trunk=\"far\",direction=\"in\"}") == 0.0
    });
    switch.assert_quiet();
    (channels, rate)
}

#[test]
fn calls_above_the_rate_are_told_to_come_again_and_the_others_are_answered() {
    let (channels, rate) = calls("calls_per_second: 3", "40", "20");
    assert!(rate > 0.0 && rate <= 37.0 && channels == 0.0, "{channels} {rate}");
}

#[test]
fn calls_above_the_channels_are_refused_and_the_others_are_answered() {
    let (channels, rate) = calls("channels: 2", "40", "20");
    assert!(channels > 0.0 && channels <= 38.0 && rate == 0.0, "{channels} {rate}");
}

const NUMBER: &str = "+4930999";

/// A switch with the trunks `carrier`, which has these `limits`, and maybe `other` in its place, and two users who may call out.
struct Outward {
    switch: Switch,
    phones: [Phone; 2],
    carriers: [Sipp; 2],
    _folder: tempfile::TempDir,
}

fn outward(limits: &str) -> Outward {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let mut carrier = || {
        let (port, media) = (ports.take(2), ports.take(4));
        (port, Sipp::answering("agent_answers", port, media, folder.path(), &["-rtp_echo"]))
    };
    let ((one, first), (two, second)) = (carrier(), carrier());
    let mut phones = [(); 2].map(|()| Phone::new("127.0.0.1:9".parse().expect("an address"), &mut ports));
    let mut company = Company::new(&ports).agent("sip:agent1@127.0.0.1:9");
    for (name, phone) in ["one", "two"].into_iter().zip(&phones) {
        company.agents.push((name.to_owned(), format!("sip:{name}@{}", phone.address())));
    }
    company.trunks.push(format!("carrier: {{ to: \"sip:127.0.0.1:{one}\", caller_id: anonymous, {limits} }}"));
    company.trunks.push(format!("other: {{ to: \"sip:127.0.0.1:{two}\", caller_id: anonymous }}"));
    let grant = "{ users: [one, two], prefixes: \"+49\", trunk: carrier, at_once: 2, minutes_a_day: 60 }";
    company.grants.insert("germany", grant.to_owned());
    let switch = Switch::start(&company);
    for phone in &mut phones {
        phone.set_switch(switch.address());
    }
    Outward { switch, phones, carriers: [first, second], _folder: folder }
}

#[test]
fn a_call_out_takes_the_next_trunk_when_the_first_is_full() {
    let mut s = outward("channels: 1, failover: other");
    let [one, two] = &mut s.phones;
    let (mut first, mut second) = (one.call_as("one", NUMBER), two.call_as("two", NUMBER));
    for (phone, dialog) in s.phones.iter_mut().zip([&mut first, &mut second]) {
        assert_eq!(phone.bye(dialog).status(), Some(200));
    }
    s.carriers.iter_mut().for_each(|carrier| carrier.wait_for_successes(1, SOON));
    let cdrs = s.switch.wait_for_cdrs(2);
    let mut trunks: Vec<_> = cdrs.iter().map(|cdr| cdr["outside"][0]["trunk"].as_str().expect("a trunk")).collect();
    trunks.sort_unstable();
    assert_eq!(trunks, ["carrier", "other"], "{cdrs:#?}");
    let told = s.switch.told(&["trunks"]);
    assert!(told.contains("channels met: 1 calls out, 0 in"), "{told}");
    s.switch.assert_quiet();
}

#[test]
fn a_call_out_that_finds_no_room_is_refused_and_charged_to_nobody() {
    for (limits, wait, reason) in [("channels: 1", "5", 34), ("calls_per_second: 1", "1", 42)] {
        let mut s = outward(limits);
        let [one, two] = &mut s.phones;
        // Both at once, so that the second falls into the second of the first.
        let (mut first, second) = (one.invite_as("one", NUMBER, &one.sdp()), two.invite_as("two", NUMBER, &two.sdp()));
        let refusal = two.final_response(&second, SOON);
        two.acknowledge(&second, &refusal);
        assert_eq!(refusal.status(), Some(503), "{limits}: {refusal}");
        assert_eq!(refusal.header("Retry-After"), Some(wait), "{refusal}");
        assert!(refusal.must("Reason").starts_with(&format!("Q.850;cause={reason}")), "{refusal}");
        let answer = one.final_response(&first, SOON);
        one.establish(&mut first, &answer);
        assert_eq!(one.bye(&mut first).status(), Some(200));
        let cdrs = s.switch.wait_for_cdrs(2);
        let charged = cdrs.iter().filter(|cdr| cdr["outside"].as_array().is_some_and(|legs| !legs.is_empty()));
        assert_eq!(charged.count(), 1, "{limits}: {cdrs:#?}");
        s.switch.assert_quiet();
    }
}
