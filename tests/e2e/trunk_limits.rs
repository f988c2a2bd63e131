//! A trunk whose far end calls more often than it may: SIPp, above both limits.

use tests::company::Company;
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
