//! A company read again while a switch runs on what was read before: what would need a restart is a fault, and what
//! changed is counted.

use company::{Company, Report, changes, read, read_again};

use crate::inline;

/// The small company with some files written anew.
fn files(changed: &[(&str, &str)]) -> company::Files {
    let mut files = inline::good_but(|path| changed.iter().any(|(file, _)| *file == path));
    for (path, text) in changed {
        files.insert(*path, *text);
    }
    files
}

fn again(changed: &[(&str, &str)]) -> Result<Company, Report> {
    read_again(&files(changed), &read(&files(&[])).unwrap().system)
}

/// What is told as new after the files were written anew.
fn told(changed: &[(&str, &str)]) -> String {
    changes(&read(&files(&[])).unwrap().switch, &again(changed).unwrap().switch)
}

const ROOT: &str = "version: 1\nlisteners:\n  - udp: 0.0.0.0:5060\n";
const PLAN: &str =
    "trunks:\n  carrier: { from: 192.0.2.0/24 }\nnumbers:\n  1000: { flow: main }\n  101: { user: 101 }\n";

#[test]
fn what_needs_a_restart_is_refused_at_its_key() {
    let text = "version: 1\nlisteners:\n  - udp: 0.0.0.0:5062\ndata: elsewhere\nmedia: { threads: 2, ports: 20000-20999, \
                bind: 127.0.0.1, advertise: 127.0.0.2, dscp: 0, silence: 5s }\ncontrol: { metrics: 127.0.0.1:9090 }\ntrace: false\n";
    let report = again(&[("strowger.yaml", text)]).unwrap_err();
    let places: Vec<(String, u32)> =
        report.faults.iter().map(|fault| (fault.message.clone(), fault.place.span.line)).collect();
    let expected = [
        ("listeners", 2),
        ("data", 4),
        ("threads", 5),
        ("ports", 5),
        ("bind", 5),
        ("advertise", 5),
        ("dscp", 5),
        ("silence", 5),
        ("control", 6),
        ("trace", 7),
    ];
    let expected = expected.map(|(key, line)| (format!("`{key}` cannot change while the switch runs"), line));
    assert_eq!(places, expected, "{report}");
    assert!(report.to_string().contains("restart the switch"), "{report}");
}

#[test]
fn a_key_that_was_taken_out_is_missed() {
    let with = format!("{ROOT}media: {{ threads: 2 }}\ncontrol: {{ metrics: 127.0.0.1:9090 }}\n{PLAN}");
    let running = read(&files(&[("strowger.yaml", &with)])).unwrap().system;
    let without = format!("{ROOT}{PLAN}");
    let report = read_again(&files(&[("strowger.yaml", &without)]), &running).unwrap_err().to_string();
    assert!(report.contains("`media` cannot change") && report.contains("`control` cannot change"), "{report}");
    assert!(read_again(&files(&[("strowger.yaml", &with)]), &running).is_ok());
}

#[test]
fn other_dns_servers_need_no_restart() {
    let text = |dns: &str| format!("{ROOT}{dns}{PLAN}");
    let running = read(&files(&[("strowger.yaml", &text("dns: { servers: 192.0.2.53 }\n"))])).unwrap().system;
    for (dns, servers) in [("dns: { servers: 192.0.2.54 }\n", 1), ("", 0)] {
        let system = read_again(&files(&[("strowger.yaml", &text(dns))]), &running).unwrap().system;
        assert_eq!(system.dns.len(), servers, "{dns}");
    }
}

#[test]
fn certificates_may_lie_elsewhere_after_a_reload_but_a_listener_stays_what_it_is() {
    let text = |more: &str| format!("version: 1\nlisteners:\n  - tls: 0.0.0.0:5061\n{more}{PLAN}");
    let with = text("    certificate: good.pem\n    key: good.key\n");
    let running = read(&files(&[("strowger.yaml", &with)])).unwrap().system;
    let other = text("    certificates: [{ certificate: a.pem, key: a.key }]\n    client_ca: ca.pem\n");
    assert!(read_again(&files(&[("strowger.yaml", &other)]), &running).is_ok());
    let moved = with.replace("5061", "5062");
    let report = read_again(&files(&[("strowger.yaml", &moved)]), &running).unwrap_err().to_string();
    assert!(report.contains("`listeners` cannot change"), "{report}");
}

#[test]
fn other_faults_show_beside_those() {
    let text = format!("{ROOT}data: elsewhere\nnumbers:\n  1000: {{ flow: mian }}\n");
    let report = again(&[("strowger.yaml", &text)]).unwrap_err().to_string();
    assert!(report.contains("`data` cannot change") && report.contains("did you mean `main`?"), "{report}");
    assert!(report.ends_with("2 faults\n"), "{report}");
}

#[test]
fn the_same_files_change_nothing() {
    assert_eq!(told(&[]), "nothing changed");
}

#[test]
fn what_changed_is_counted() {
    let root = format!(
        "{ROOT}calls: {{ max: 7 }}\nrealm: example\ntrunks:\n  carrier: {{ from: 192.0.2.0/25 }}\n  other: {{ from: 198.51.100.1 }}\n\
         numbers:\n  1000: {{ queue: sales }}\n  102: {{ user: 102 }}\n"
    );
    assert_eq!(
        told(&[("strowger.yaml", &root)]),
        "numbers: 1 added, 1 removed, 1 changed; trunks: 1 added, 1 changed; limits changed; digest changed"
    );
    let users = "users:\n  101: { contact: \"sip:101@192.0.2.10:5070\" }\n  102: { contact: \"sip:102@192.0.2.11\" }\n  103: { register: true }\n";
    let queues = "queues:\n  sales: { agents: [101, 102] }\n  support: { agents: [103] }\n";
    let flow = "version: 1\nnodes:\n  hello:\n    play: welcome\n    next: hangup\n";
    let sound = inline::wav(&[1_000; 800]);
    let mut files = files(&[("users.yaml", users), ("queues.yaml", queues), ("flows/main.yaml", flow)]);
    files.insert("prompts/en/welcome.wav", sound.clone());
    files.insert("prompts/en/more.wav", sound);
    let before = read(&crate::again::files(&[])).unwrap();
    assert_eq!(
        changes(&before.switch, &read_again(&files, &before.system).unwrap().switch),
        "users: 1 added, 1 changed; queues: 1 added, 1 changed; flows: 1 changed; prompts: 1 added, 1 changed"
    );
}
