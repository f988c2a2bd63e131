//! Short messages, sent by SIPp to a scripted phone.

use std::net::SocketAddr;

use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sipp::Sipp;
use tests::switch::Switch;
use tests::wait::SOON;

#[test]
fn a_text_comes_to_the_users_phone_and_its_sender_is_told() {
    let mut ports = Ports::slice();
    let mut receiver = Phone::new(SocketAddr::from(([127, 0, 0, 1], 9)), &mut ports);
    let company = Company::new(&ports).agent(&format!("sip:agent1@{}", receiver.address()));
    let switch = Switch::start(&company.agent("sip:agent2@127.0.0.1:9"));
    receiver.set_switch(switch.address());
    let (port, media) = (ports.take(2), ports.take(4));
    let options = ["-m", "1"];
    let mut sender = Sipp::calling("user_writes", "3000", switch.address(), port, media, switch.folder(), &options);
    let message = receiver.wait_for_request("MESSAGE", SOON);
    assert!(message.body().starts_with("See you at five"), "{message}");
    assert!(message.must("Content-Type").starts_with("text/plain"), "{message}");
    assert!(message.must("From").contains("sip:agent2@"), "{message}");
    sender.succeed(SOON);
    let told = switch.wait_for_event("message", 1, SOON);
    assert_eq!((&told["to"], &told["status"]), (&"agent1".into(), &200.into()), "{told:#}");
    switch.assert_quiet();
}
