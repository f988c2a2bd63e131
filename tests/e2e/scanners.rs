//! Scanners that look for telephones, names and passwords (SIPVicious): they find a SIP device, and nothing to tell one name
//! from another.

use tests::company::Company;
use tests::ports::Ports;
use tests::scanner::scan;
use tests::switch::Switch;

/// Names for scanners to try: numbers of the plan, a user who registers, one with a fixed phone, nobody.
const NAMES: &str = "1000\n1003\n2000\nagent1\nagent2\nnobody\n9999\n";

/// A switch that knows some of [`NAMES`], and takes no calls from where the scanners are.
fn scene() -> (Ports, Switch) {
    let ports = Ports::slice();
    let mut company = Company::new(&ports).agent("register").agent("sip:agent2@127.0.0.9:5071");
    company.trunk = "127.0.0.8".to_owned();
    let switch = Switch::start(&company);
    std::fs::write(switch.folder().join("names"), NAMES).expect("written");
    (ports, switch)
}

fn file(switch: &Switch, name: &str) -> String {
    switch.folder().join(name).display().to_string()
}

#[test]
fn svmap_sees_a_sip_device_and_its_version() {
    let (mut ports, switch) = scene();
    for method in ["OPTIONS", "REGISTER", "INVITE"] {
        let (found, said) = scan("svmap", &["-m", method], switch.address(), &mut ports, switch.folder());
        let devices: Vec<&str> = found.lines().filter(|line| line.contains("127.0.0.1:")).collect();
        assert!(matches!(*devices, [device] if device.contains("Strowger/")), "{method}: {found}\n{said}");
    }
}

#[test]
fn svwar_finds_no_name() {
    let (mut ports, switch) = scene();
    let names = file(&switch, "names");
    for method in ["REGISTER", "INVITE", "OPTIONS"] {
        for force in [&[][..], &["--force"]] {
            let options = [&["-m", method, "-d", &names], force].concat();
            let (found, said) = scan("svwar", &options, switch.address(), &mut ports, switch.folder());
            assert!(said.contains("found nothing") && found.trim().is_empty(), "{options:?}: {found}\n{said}");
        }
    }
    assert!(switch.events("call_began").is_empty());
    assert_eq!(switch.told(&["registrations", "--json"]), "");
}

#[test]
fn svcrack_finds_a_password_only_if_it_has_it() {
    let (mut ports, switch) = scene();
    let passwords = std::fs::read_to_string(switch.data().join("passwords")).expect("the passwords");
    let password = passwords.trim().strip_prefix("agent1: ").expect("agent1's");
    let wrong: String = (0..9).map(|n| format!("guess{n}\n")).collect();
    std::fs::write(switch.folder().join("wrong"), &wrong).expect("written");
    std::fs::write(switch.folder().join("right"), wrong + password + "\n").expect("written");
    let mut crack = |user: &str, words: &str| {
        let options = ["-u", user, "-d", &file(&switch, words)];
        scan("svcrack", &options, switch.address(), &mut ports, switch.folder()).0
    };
    assert_eq!(crack("agent1", "wrong").trim(), "");
    assert_eq!(crack("nobody", "right").trim(), "", "who is not there has no password");
    assert_eq!(crack("agent2", "right").trim(), "", "nor has who does not register");
    assert!(crack("agent1", "right").contains(password), "so the scanner does know how");
}
