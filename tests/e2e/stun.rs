//! Phones that ask where they are seen from, on the port of SIP.

use std::net::SocketAddr;

use tests::company::Company;
use tests::phone::Phone;
use tests::ports::Ports;
use tests::stun;
use tests::switch::Switch;

#[test]
fn a_phone_learns_by_stun_where_it_is_seen_and_sip_goes_on() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.listeners.push("udp: '[::1]:0'".to_owned());
    let switch = Switch::start(&company);
    for fingerprint in [false, true] {
        let ours = SocketAddr::from(([127, 0, 0, 1], ports.take(2)));
        assert_eq!(stun::ask(ours, switch.address(), fingerprint), format!("127.0.0.1 {}", ours.port()));
    }
    let ours: SocketAddr = format!("[::1]:{}", ports.take(2)).parse().expect("an address");
    assert_eq!(stun::ask(ours, switch.listening_by_ipv6("udp"), true), format!("::1 {}", ours.port()));
    let mut phone = Phone::new(switch.address(), &mut ports);
    assert!(phone.probe(), "OPTIONS is answered");
    switch.assert_quiet();
}
