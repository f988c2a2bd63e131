//! What phones say beside a call, by strangers: a digit by INFO, data for the agent's system, why somebody hangs up.

use std::time::Duration;

use tests::company::Company;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;

#[test]
fn a_digit_by_info_the_callers_data_and_the_reason_come_to_where_they_shall() {
    let mut ports = Ports::slice();
    let folder = tempfile::tempdir().expect("a folder");
    let (port, media) = (ports.take(2), ports.take(4));
    let mut agent = Sipp::answering("agent_is_told", port, media, folder.path(), &["-m", "1"]);
    let switch = Switch::start(&Company::new(&ports).agent(&format!("sip:agent1@127.0.0.1:{port}")));
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-m", "1", "-d", "3000"];
    Sipp::calling("caller_tells", "1001", switch.address(), port, media, switch.folder(), &options)
        .succeed(Duration::from_secs(40));
    agent.succeed(SOON);
    let cdr = switch.wait_for_cdr();
    assert_eq!((cdr["disposition"].as_str(), cdr["reason"]["q850"].as_u64()), (Some("answered"), Some(31)), "{cdr:#}");
    assert_eq!(switch.events("user_to_user")[0]["data"], "56a390f3d2b7310023a2");
    assert_eq!(switch.events("digit")[0]["key"], "1");
    switch.assert_quiet();
}
