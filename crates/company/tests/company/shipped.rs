//! The shipped companies are without fault and hold what issue and bench ask of them.

use std::time::Duration;

use company::Company;
use switch::Destination;

fn read(path: &str) -> Company {
    match company::read(&crate::inline::folder(path)) {
        Ok(company) => company,
        Err(report) => panic!("{report}"),
    }
}

fn notes(company: &Company) -> Vec<String> {
    company.notes.iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_company_is_without_fault_and_note() {
    let company = read("config");
    assert_eq!(notes(&company), [""; 0]);
    assert_eq!(company.system.listeners[0].address, "0.0.0.0:5060".parse().unwrap());
    assert_eq!(
        company.switch.users.keys().map(|name| &**name).collect::<Vec<_>>(),
        ["101", "102", "103", "104", "105", "106"]
    );
    let queues: Vec<&str> = company.switch.queues.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(queues, ["sales", "support", "reception", "billing"]);
    assert_eq!(company.switch.agents.len(), 4);
    assert_eq!(company.switch.numbers["1000"], Destination::Flow("main".into()));
    assert_eq!(company.switch.queues[0].ring_time, Duration::from_secs(15));
    assert_eq!(company.switch.waiting["sales"].music.as_deref(), Some("music-on-hold"));
    let local = company.switch.trunk_at("127.0.0.1".parse().unwrap()).unwrap();
    assert_eq!(&*local.name, "local");
    assert!(company.switch.trunk_at("192.0.2.1".parse().unwrap()).is_none());
}

#[test]
fn the_bench_has_the_extensions_that_the_peers_were_measured_with() {
    let company = read("config/bench");
    assert_eq!(notes(&company), [""; 0]);
    let numbers: Vec<&str> = company.switch.numbers.keys().map(|number| &**number).collect();
    assert_eq!(numbers, ["1000", "1001", "2000", "3000", "4000", "4001", "4002"]);
    assert_eq!(company.system.listeners[0].address, "127.0.0.1:5080".parse().unwrap());
    assert_eq!(company.switch.users["agent"].fixed().unwrap().address, "127.0.0.1:5090".parse().unwrap());
    let ports = company.system.media.first_port..=company.system.media.last_port;
    assert!([34000, 9000, 5090, 5091].iter().all(|port| !ports.contains(port)), "SIPp's ports are its own");
}

#[test]
fn the_prompts_of_the_bench_last_exactly_as_long_as_they_say() {
    let company = read("config/bench");
    for (name, seconds) in [("prompt-2s", 2), ("menu-8s", 8), ("hold-10s", 10)] {
        let prompt = company.switch.prompts.get(None, name).unwrap();
        assert_eq!(prompt.ulaw.len(), seconds * 8000, "{name}");
    }
}

/// Speech at -20 dB below full scale, music on hold lower, as `scripts/prompts` makes them.
#[test]
fn the_prompts_are_of_one_loudness() {
    let (config, bench) = (read("config").switch.prompts, read("config/bench").switch.prompts);
    for (language, name, prompt) in config.iter().chain(bench.iter()) {
        let level = prompt.levels.rms_dbfs();
        let aim = if &**name == "music-on-hold" { -26.0 } else { -20.0 };
        assert!((level - aim).abs() < 1.5, "{language}/{name} is at {level:.1} dB");
        assert!(!prompt.levels.is_clipped(), "{language}/{name}");
    }
}
