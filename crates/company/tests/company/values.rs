//! What is written reaches the switch and the drivers, and what is left out has the value that `config/README.md` says.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use company::{Advertise, Company, Decider, Media, Outlook};
use sip::digest::Algorithm;
use switch::{Asker, CallerId, Destination, SrtpPolicy, TalkKey};
use trace::Traces;

use crate::inline;

fn read(changes: &[(&str, &str)]) -> Company {
    let mut files = inline::good_but(|path| changes.iter().any(|(changed, _)| *changed == path));
    for (path, text) in changes {
        files.insert(*path, *text);
    }
    company::read(&files).unwrap()
}

#[test]
fn every_key_of_strowger_yaml_arrives() {
    let company = read(&[(
        "strowger.yaml",
        "\
version: 1
listeners:
  - udp: 192.0.2.1:5070
    advertise: 203.0.113.7
  - udp: \"[2001:db8::1]:0\"
    advertise: \"[2001:db8::2]:5080\"
data: /var/lib/strowger
media: { ports: 20000-20999, bind: 192.0.2.1, advertise: 203.0.113.8, threads: 3, dscp: 0, silence: 2m }
control: { metrics: 127.0.0.1:9090 }
trace: { megabytes: 16, keep: 24h, per_call: 50 }
registrations: { shortest: 30s, longest: 2h, keep_alive: 20s, give_up_after: 5 }
calls: { max: 200, max_time: 1h, session_timer: off, ring_time: 45s, grace: 0s, hold_music: music, talk_keys: { consult: \"*2\", transfer: \"#55\" } }
trunks:
  carrier: { from: [198.51.100.0/24, \"2001:db8:1::/48\"], transfers: true, note: the carrier }
  out: { to: \"sip:198.51.100.7:5070\", caller_id: \"+4930123456\" }
  withheld: { to: \"sip:198.51.100.8\", caller_id: anonymous }
  passed-on: { to: \"sip:198.51.100.9\", caller_id: caller }
numbers: { 1000: { flow: main }, 101: { user: 101 }, \"+4930123\": { queue: sales } }
grants:
  abroad:
    users: [101, 102]
    flows: main
    from_trunks: carrier
    prefixes: [\"+\", 00]
    trunk: out
    at_once: 3
    minutes_a_day: 90
    note: for people
emergency: { numbers: [110, 112], trunk: withheld }
",
    )]);
    let system = &company.system;
    assert_eq!(system.listeners[0].address, "192.0.2.1:5070".parse().unwrap());
    assert_eq!(system.listeners[0].advertise, Some(Advertise { address: [203, 0, 113, 7].into(), port: None }));
    assert_eq!(system.listeners[1].advertised("[2001:db8::1]:40000".parse().unwrap()).port(), 5080);
    assert_eq!(system.data, PathBuf::from("/var/lib/strowger"));
    assert_eq!(system.metrics, Some("127.0.0.1:9090".parse().unwrap()));
    assert_eq!((system.grace, company.switch.limits.grace), (Duration::ZERO, Duration::ZERO));
    let traces = Traces { on: true, size: 16 << 20, keep: Duration::from_secs(86_400), per_call: 50 };
    assert_eq!(system.traces, traces);
    let registration = company.switch.limits.registration;
    assert_eq!((registration.shortest, registration.longest), (Duration::from_secs(30), Duration::from_secs(7200)));
    let keep_alive = registration.keep_alive.unwrap();
    assert_eq!((keep_alive.interval, keep_alive.failures), (Duration::from_secs(20), 5));
    let media = Media {
        first_port: 20_000,
        last_port: 20_999,
        bind: [192, 0, 2, 1].into(),
        advertise: Some([203, 0, 113, 8].into()),
        threads: Some(3),
        dscp: 0,
        silence: Duration::from_secs(120),
    };
    assert_eq!(system.media, media);
    let limits = &company.switch.limits;
    assert_eq!((limits.max_calls, limits.max_call_time), (200, Duration::from_secs(3600)));
    assert_eq!(limits.session_timer, None);
    assert_eq!(
        (limits.ring_time, &limits.media_addresses),
        (Duration::from_secs(45), &BTreeMap::from([(0, [203, 0, 113, 8].into()), (1, [203, 0, 113, 8].into())]))
    );
    assert_eq!(company.switch.hold_music.as_deref(), Some("music"));
    let codes = [("*2".into(), TalkKey::Consult), ("#55".into(), TalkKey::Transfer)];
    assert_eq!(company.switch.talk_keys.0, codes);
    assert!(company.switch.trunk_at("2001:db8:1::5".parse().unwrap()).is_some());
    assert_eq!(company.switch.numbers["+4930123"], Destination::Queue("sales".into()));
    let trunk = |name| company.switch.trunk(name).unwrap();
    assert_eq!(trunk("out").to.as_ref().unwrap().address().unwrap(), "198.51.100.7:5070".parse().unwrap());
    let shown = ["carrier", "out", "withheld", "passed-on"].map(|name| trunk(name).caller_id.clone());
    let number = CallerId::Number("+4930123456".into());
    assert_eq!(shown, [CallerId::Anonymous, number, CallerId::Anonymous, CallerId::Caller]);
    let askers = [
        Asker::User("101".into()),
        Asker::User("102".into()),
        Asker::Flow("main".into()),
        Asker::Trunk("carrier".into()),
    ];
    assert_eq!((trunk("carrier").transfers, trunk("out").transfers), (true, false));
    let grant = &company.switch.grants["abroad"];
    assert_eq!(grant.askers, askers.into());
    assert_eq!((&*grant.trunk, grant.at_once, grant.minutes_a_day), ("out", 3, 90));
    assert_eq!(grant.prefixes, ["+".into(), "00".into()]);
    let emergency = company.switch.emergency.unwrap();
    assert_eq!((&*emergency.trunk, emergency.numbers), ("withheld", ["110".into(), "112".into()].into()));
}

/// The lines of `strowger check`.
#[test]
fn who_can_call_where_is_told() {
    let told = |trunks: &str| {
        let base =
            "version: 1\nlisteners: [{ udp: 0.0.0.0:5060 }]\nnumbers: { 1000: { flow: main }, 101: { user: 101 } }\n";
        Outlook(&read(&[("strowger.yaml", &format!("{base}{trunks}"))]).switch).to_string()
    };
    assert_eq!(told(""), "nobody can call out: there are no `grants`\n");
    let trunks = "\
trunks: { carrier: { from: 192.0.2.0/24, to: \"sip:192.0.2.1\", caller_id: anonymous }, pbx: { from: 198.51.100.1 } }
grants:
  a: { users: [102, 101], flows: [main], prefixes: [\"+49\", 0], trunk: carrier, at_once: 2, minutes_a_day: 60 }
  b: { from_trunks: [pbx], prefixes: [\"+\"], trunk: carrier, at_once: 10, minutes_a_day: 1440 }
emergency: { numbers: [110, 112], trunk: carrier }
";
    let table = "\
WHO                        NUMBERS   TRUNK    AT ONCE              MINUTES A DAY (UTC)
users 101, 102; flow main  +49…, 0…  carrier  2                    60
trunk pbx                  +…        carrier  10                   1440
every user                 110, 112  carrier  emergency: no limit
";
    assert_eq!(told(trunks), table);
}

#[test]
fn what_is_left_out_has_its_usual_value() {
    let Company { system, switch, .. } = read(&[]);
    assert_eq!(system.media, Media::default());
    assert_eq!((system.media.first_port, system.media.last_port, system.media.legs()), (16_384, 32_766, 8191));
    assert_eq!(system.data_folder(Path::new("/etc/strowger")), PathBuf::from("/etc/strowger/data"));
    assert_eq!((system.grace, system.metrics), (Duration::from_secs(20), None));
    assert_eq!(system.traces, Traces::default());
    assert_eq!(switch.limits.registration, switch::Registration::default());
    let asked_never = "version: 1\nlisteners: [{ udp: 0.0.0.0:5060 }]\nregistrations: { keep_alive: false }\n\
                       numbers: { 1000: { flow: main }, 101: { user: 101 } }\n";
    assert_eq!(read(&[("strowger.yaml", asked_never)]).switch.limits.registration.keep_alive, None);
    assert!(switch.limits.media_addresses.is_empty());
    assert_eq!((switch.limits.max_calls, switch.limits.ring_time), (2000, Duration::from_secs(30)));
    assert_eq!(
        (switch.queues[0].ring_time, switch.queues[0].wrap_up),
        (Duration::from_secs(20), Duration::from_secs(5))
    );
    assert_eq!((switch.queues[0].max_wait, switch.queues[0].max_length), (None, None));
}

#[test]
fn digest_policies_and_grants_to_register_arrive() {
    let company = read(&[
        (
            "strowger.yaml",
            "\
version: 1
realm: example.org
digest: md5
listeners:
  - udp: 192.0.2.1:5070
  - udp: 192.0.2.1:5080
    digest: sha-256
  - tcp: 192.0.2.1:5080
    digest: any
numbers: { 1000: { flow: main } }
",
        ),
        (
            "users.yaml",
            "\
users:
  101: { register: true, register_for: [102, desk], watched_by: all }
  102: { register: true, ring: in_turn, turn: 8s, watched_by: desk }
  desk: { register: true, register_for: 102 }
",
        ),
    ]);
    let switch = company.switch;
    let rings = |name: &str| (switch.users[name].ring, switch.users[name].turn);
    assert_eq!(rings("101"), (switch::Ring::All, Duration::from_secs(15)));
    assert_eq!(rings("102"), (switch::Ring::InTurn, Duration::from_secs(8)));
    assert_eq!(&*switch.realm, "example.org");
    assert_eq!(switch.algorithms_of(0), [Algorithm::Md5]);
    assert_eq!(switch.algorithms_of(1), [Algorithm::Sha256]);
    assert_eq!(switch.algorithms_of(2), [Algorithm::Sha256, Algorithm::Md5]);
    let watches = |who: &str, whom: &str| switch.may_watch(&who.into(), &whom.into());
    assert!(watches("102", "101") && watches("desk", "102") && watches("desk", "desk"));
    assert!(!watches("101", "102") && !watches("101", "desk"));
    let may = |user: &str, named| switch.record_of(&user.into(), named).is_some();
    assert!(may("101", "101") && may("101", "102") && may("101", "desk") && may("desk", "102"));
    assert!(!may("102", "101") && !may("desk", "101") && !may("101", "nobody") && !may("101", ""));
}

#[test]
fn every_key_of_users_and_queues_arrives() {
    let Company { switch, .. } = read(&[
        (
            "users.yaml",
            "users:\n  101: { display: Ada L., contact: \"sip:ada@192.0.2.10:5070\", caller_id: \"+49301\" }\n  102: { contact: \"sip:[2001:db8::5]\" }\n",
        ),
        ("hours.yaml", "calendars: { office: { zone: Europe/Berlin, week: { monday: 09:00-18:00 } } }\n"),
        (
            "queues.yaml",
            "\
login: code
breaks: { lunch: 1, coaching: 12 }
queues:
  sales:
    strategy: longest-idle
    agents: [102, 101]
    music: music
    whisper: music
    resume: 5m
    ring_time: 12s
    wrap_up: 0s
    max_wait: 90s
    max_length: 7
    empty: { join: working, stay: always }
    overflow: [{ after: 60s, to: day }, { longest_wait: 80s, to: day }, { waiting: 5, to: day }]
  night: { agents: [102], empty: { join: free }, hours: office, when_closed: leave }
  day: { agents: [102] }
",
        ),
    ]);
    let ada = &switch.users["101"];
    assert_eq!(
        (ada.display.as_deref(), ada.fixed().unwrap().address),
        (Some("Ada L."), "192.0.2.10:5070".parse().unwrap())
    );
    assert_eq!((ada.caller_id.as_deref(), switch.users["102"].caller_id.as_deref()), (Some("+49301"), None));
    assert_eq!(ada.fixed().unwrap().contact.to_string(), "sip:ada@192.0.2.10:5070");
    assert_eq!(switch.users["102"].fixed().unwrap().address, "[2001:db8::5]:5060".parse().unwrap());
    let queue = &switch.queues[0];
    assert_eq!(
        queue.agents,
        ["102", "101"].map(|agent| acd::Member::new(agent.into())),
        "their order decides between equals"
    );
    assert_eq!((queue.ring_time, queue.wrap_up), (Duration::from_secs(12), Duration::ZERO));
    assert_eq!((queue.max_wait, queue.max_length), (Some(Duration::from_secs(90)), Some(7)));
    let to_day = |when| acd::Overflow { when, to: "day".into() };
    let (minute, longer) = (Duration::from_secs(60), Duration::from_secs(80));
    let rules = [acd::Excess::Waited(minute), acd::Excess::LongestWait(longer), acd::Excess::Waiting(5)];
    assert_eq!(queue.overflow, rules.map(to_day));
    let attendance = |join, stay| acd::Attendance { join, stay };
    assert_eq!(queue.attendance, attendance(acd::Presence::Working, acd::Presence::Nobody));
    assert_eq!(switch.queues[1].attendance, attendance(acd::Presence::Free, acd::Presence::LoggedIn));
    let hours = switch::QueueHours { calendar: "office".into(), clears: true };
    let (music, resume) = (Some("music".into()), Some(Duration::from_secs(300)));
    let sales = switch::Waiting {
        whisper: music.clone(),
        music,
        resume,
        return_time: Some(Duration::from_secs(15)),
        hours: None,
    };
    assert_eq!(switch.waiting["sales"], sales);
    assert_eq!(
        switch.waiting["night"],
        switch::Waiting {
            return_time: Some(Duration::from_secs(15)),
            hours: Some(hours),
            ..switch::Waiting::default()
        }
    );
    assert_eq!(switch.agents.len(), 2);
    assert_eq!(switch.duties.breaks, [("lunch".into(), 1), ("coaching".into(), 12)].into());
    assert_eq!(switch.duties.login, switch::Login::Code);
}

#[test]
fn without_an_address_for_media_the_one_advertised_for_sip_is_told() {
    let company = read(&[(
        "strowger.yaml",
        "version: 1\nlisteners: [{ udp: 0.0.0.0:5060, advertise: 203.0.113.7 }]\nnumbers: { 1000: { flow: main } }\n",
    )]);
    assert_eq!(company.switch.limits.media_addresses, [(0, [203, 0, 113, 7].into())].into());
    let local = "0.0.0.0:5060".parse().unwrap();
    assert_eq!(company.system.listeners[0].advertised(local), "203.0.113.7:5060".parse().unwrap());
}

#[test]
fn the_data_folder_is_found_though_the_rest_is_faulty() {
    let found = |text: &str| {
        let mut files = company::Files::new("config");
        files.insert("strowger.yaml", text);
        company::data_folder(&files)
    };
    assert_eq!(
        found("version: 9\ndata: /var/lib/strowger\nnubmers: {}\n").unwrap(),
        PathBuf::from("/var/lib/strowger")
    );
    assert_eq!(found("version: 1\n").unwrap(), PathBuf::from("data"));
    assert!(found("version: 1\ndata: /\n").unwrap_err().to_string().contains("a folder of its own"));
    assert!(found("[").is_err() && company::data_folder(&company::Files::new("config")).is_err());
}

#[test]
fn srtp_policies_arrive() {
    let company = read(&[
        (
            "strowger.yaml",
            "\
version: 1
srtp: required
listeners:
  - udp: 0.0.0.0:5060
  - tcp: 0.0.0.0:5060
    srtp: never
trunks:
  carrier: { from: 192.0.2.1, srtp: allowed }
  other: { from: 192.0.2.2 }
numbers: { 1000: { flow: main }, 101: { user: 101 } }
",
        ),
        ("users.yaml", "users:\n  101: { register: true, srtp: allowed }\n  102: { register: true }\n"),
    ]);
    let switch = &company.switch;
    assert_eq!((switch.srtp_at(0), switch.srtp_at(1)), (SrtpPolicy::Required, SrtpPolicy::Never));
    assert_eq!(switch.trunk("carrier").unwrap().srtp, Some(SrtpPolicy::Allowed));
    assert_eq!(switch.trunk("other").unwrap().srtp, None);
    assert_eq!((switch.users["101"].srtp, switch.users["102"].srtp), (Some(SrtpPolicy::Allowed), None));
    assert_eq!(read(&[]).switch.srtp, SrtpPolicy::Allowed, "what is usual");
}

#[test]
fn each_listener_tells_for_audio_what_stands_nearest_to_it() {
    let told = |media: &str| {
        let text = format!(
            "version: 1\nlisteners:\n  - {{ udp: 192.0.2.1:5060, media: 203.0.113.1 }}\n  - {{ udp: 192.0.2.1:5062, advertise: 203.0.113.2 }}\n  \
             - {{ udp: 192.0.2.1:5064 }}\n{media}numbers: {{ 1000: {{ flow: main }} }}\n"
        );
        let company = read(&[("strowger.yaml", &text)]);
        [0, 1, 2].map(|index| company.switch.limits.media_addresses.get(&index).map(ToString::to_string))
    };
    let all = |texts: [&str; 3]| texts.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
    assert_eq!(told(""), all(["203.0.113.1", "203.0.113.2", ""]));
    assert_eq!(told("media: { bind: 192.0.2.9 }\n"), all(["203.0.113.1", "192.0.2.9", "192.0.2.9"]));
    assert_eq!(told("media: { advertise: 203.0.113.9 }\n"), all(["203.0.113.1", "203.0.113.9", "203.0.113.9"]));
}

#[test]
fn with_a_listener_for_ipv6_audio_goes_by_both_and_a_port_is_shared_by_two_listeners() {
    let text =
        |listeners: &str| format!("version: 1\nlisteners: [{listeners}]\nnumbers: {{ 1000: {{ flow: main }} }}\n");
    let system = |listeners: &str| read(&[("strowger.yaml", &text(listeners))]).system;
    let both = system("{ udp: \"[::]:5060\" }");
    assert_eq!(both.media.bind, "::".parse::<IpAddr>().unwrap());
    assert!(!both.is_ipv6_only(&both.listeners[0]));
    let two = system("{ udp: \"[::]:5060\" }, { udp: 0.0.0.0:5060 }, { tcp: \"[::]:5060\" }");
    let alone: Vec<bool> = two.listeners.iter().map(|listener| two.is_ipv6_only(listener)).collect();
    assert_eq!(alone, [true, false, false]);
}

#[test]
fn trunks_share_rules_by_name_and_may_have_their_own() {
    let text = "version: 1\nlisteners: [{ udp: 0.0.0.0:5060 }]\nnumber_rules:\n  german: { in: [{ prefix: \"0\", replace: \"+49\" }] }\n\
                trunks:\n  one: { from: 192.0.2.1, numbers: german }\n  other: { from: 192.0.2.2, numbers: german }\n  \
                own: { from: 192.0.2.3, numbers: { in: [{ prefix: \"0\", replace: \"+43\" }] } }\n  none: { from: 192.0.2.4 }\n\
                numbers: { 101: { user: 101 } }\n";
    let mut files = inline::good_but(|path| path == "strowger.yaml");
    files.insert("strowger.yaml", text);
    let company = company::read(&files).unwrap();
    let rules = |trunk: &str| company.switch.trunk(trunk).unwrap().numbers.inward("0301", switch::NumbersOf::Called);
    assert_eq!(["one", "other"].map(rules), [Some("+49301".to_owned()), Some("+49301".to_owned())]);
    assert_eq!((rules("own"), rules("none")), (Some("+43301".to_owned()), None));
}

#[test]
fn a_queue_asks_its_plugin_with_what_is_written_and_as_the_plugin_wants_the_rest() {
    let queues = "\
plugins:
  value: { deadline: 200ms, memory: 64, instance: kept, rest: { after: 3, for: 1m } }
queues:
  sales:
    agents: [101, 102]
    music: music
    strategy: linear
    plugin:
      name: value
      candidates: 8
      may_wait: 1m
      parameters: { patience: 007, often: 7, share: 1.5, on: true, off: \"true\", none: ~, list: [a, -1] }
  support: { agents: [101], music: music, record_decisions: true, plugin: { name: value, order: list, parameters: { patience: 1 } } }
";
    let files = inline::good_but(|path| path == "queues.yaml");
    let mut files = files.with_plugins(Box::new(inline::Runner));
    files.insert("queues.yaml", queues);
    files.insert("plugins/value.wasm", "good");
    let Company { switch, plugins, .. } = company::read(&files).unwrap();
    let sales = &switch.queues[0];
    let asked = sales.plugin.as_ref().unwrap();
    let parameters = r#"{"list":["a",-1],"none":null,"off":"true","often":7,"on":true,"patience":"007","share":1.5}"#;
    assert_eq!((asked.plugin.as_str(), &*asked.parameters), ("value", parameters));
    assert_eq!((asked.candidates, asked.order), (8, routing::Order::FewestCalls), "as it says of itself");
    assert_eq!(asked.may_wait.as_secs(), 60);
    assert_eq!((sales.method.strategy, sales.decision_time.as_millis()), (routing::Builtin::Linear, 250));
    let asked = switch.queues[1].plugin.as_ref().unwrap();
    assert_eq!((asked.candidates, asked.order, asked.may_wait.as_secs()), (32, routing::Order::List, 0));
    let plugin = &plugins["value"];
    let Decider::Component(component) = &plugin.decider else { panic!("{plugin:?}") };
    assert_eq!((&*component.file, component.memory >> 20, component.kept), (&b"good"[..], 64, true));
    assert_eq!(plugin.deadline.as_millis(), 200);
    let rest = switch.plugins["value"];
    assert_eq!((rest.after, rest.lasts.as_secs()), (3, 60));
    assert!(switch.recorded.iter().map(|queue| queue.as_str()).eq(["support"]));
}

#[test]
fn a_queue_may_ask_what_the_program_brings_along() {
    let queues = "\
plugins:
  own: { deadline: 20ms }
queues:
  sales: { agents: [101, 102], music: music, plugin: { name: own, parameters: { patience: 1 } } }
";
    let files = inline::good_but(|path| path == "queues.yaml");
    let mut files = files.with_plugins(Box::new(inline::Runner));
    files.insert("queues.yaml", queues);
    let Company { switch, plugins, notes, .. } = company::read(&files).unwrap();
    let own = company::Plugin { decider: Decider::Strategy("own".into()), deadline: Duration::from_millis(20) };
    assert_eq!(plugins, [("own".into(), own)].into());
    assert!(switch.plugins.contains_key("own") && notes.is_empty(), "{notes:?}");
    assert_eq!(switch.queues[0].plugin.as_ref().unwrap().plugin.as_str(), "own");
}

#[test]
fn a_service_is_asked_as_it_is_written_and_described_by_its_file() {
    let queues = "\
plugins:
  value: { url: \"https://Routing.example:8443/decide?v=1\", sign: { secret: routing }, outstanding: 8, deadline: 80ms }
  local: { url: \"http://127.0.0.1:8080\" }
queues:
  sales: { agents: [101, 102], music: music, plugin: { name: value, parameters: { patience: 1 } } }
  support: { agents: [101], music: music, plugin: { name: local, parameters: { patience: 1 } } }
";
    let root = "\
version: 1
listeners: [ { udp: 192.0.2.1:5060 } ]
data: data
secrets: { routing: { file: routing.txt } }
numbers: {}
";
    let files = inline::good_but(|path| path == "queues.yaml" || path == "strowger.yaml");
    let mut files = files.with_plugins(Box::new(inline::Runner));
    files.insert("queues.yaml", queues);
    files.insert("strowger.yaml", root);
    files.insert_secret("routing.txt", Ok(b"word\n".to_vec()));
    files.insert("plugins/value.json", r#"{ "name": "value", "version": "2", "order": "most_skilled" }"#);
    let Company { switch, plugins, .. } = company::read(&files).unwrap();
    let service = |name: &str| match &plugins[name].decider {
        Decider::Service(service) => service.clone(),
        other => panic!("{other:?}"),
    };
    let value = service("value");
    assert_eq!((value.origin.to_string().as_str(), &*value.path), ("https://routing.example:8443", "/decide?v=1"));
    assert_eq!(value.key.as_ref().map(|key| key.reveal().as_str()), Some("word"));
    assert_eq!((value.outstanding, plugins["value"].deadline.as_millis()), (8, 80));
    assert_eq!((value.description.version.as_str(), value.description.order), ("2", routing::Order::MostSkilled));
    assert_eq!(switch.queues[0].decision_time.as_millis(), 130);
    let local = service("local");
    assert_eq!((local.outstanding, &local.key, &local.ca, &local.identity), (32, &None, &None, &None));
    assert_eq!((plugins["local"].deadline.as_millis(), &*local.path), (50, "/"));
    assert_eq!(local.description.parameters, serde_json::json!({ "type": "object" }), "it takes any");
}

#[test]
fn a_service_is_shown_a_certificate_and_believed_by_whom_it_is_written() {
    let queues = "\
plugins:
  value: { url: \"https://routing.example\", certificate: tls/routing.crt, key: tls/routing.key, ca: tls/ca.crt }
queues:
  sales: { agents: [101, 102], music: music, plugin: { name: value, parameters: { patience: 1 } } }
";
    let files = inline::good_but(|path| path == "queues.yaml");
    let mut files = files.with_plugins(Box::new(inline::Runner));
    files.insert("queues.yaml", queues);
    let Company { plugins, .. } = company::read(&files).unwrap();
    let Decider::Service(service) = &plugins["value"].decider else { panic!("{plugins:?}") };
    assert_eq!(service.identity, Some(("tls/routing.crt".into(), "tls/routing.key".into())));
    assert_eq!(service.ca, Some("tls/ca.crt".into()));
}

#[test]
fn what_is_not_written_of_a_plugin_is_as_usual() {
    let queues = "queues: { sales: { agents: [101, 102], music: music, plugin: { name: value, parameters: { patience: 1 } } } }\n";
    let files = inline::good_but(|path| path == "queues.yaml");
    let mut files = files.with_plugins(Box::new(inline::Runner));
    files.insert("queues.yaml", queues);
    files.insert("plugins/value.wasm", "good");
    let Company { switch, plugins, .. } = company::read(&files).unwrap();
    let plugin = &plugins["value"];
    let Decider::Component(component) = &plugin.decider else { panic!("{plugin:?}") };
    assert_eq!((plugin.deadline.as_millis(), component.memory >> 20, component.kept), (5, 16, false));
    let rest = switch.plugins["value"];
    assert_eq!((rest.after, rest.lasts.as_secs()), (5, 30));
    assert_eq!(switch.queues[0].decision_time.as_millis(), 100);
}

#[test]
fn no_more_queues_ask_components_than_there_is_room_for() {
    let read = |count: usize| {
        let queue = |number| {
            format!(
                "  q{number}: {{ agents: [101], music: music, plugin: {{ name: value, parameters: {{ patience: 1 }} }} }}\n"
            )
        };
        let files = inline::good_but(|path| path == "queues.yaml");
        let mut files = files.with_plugins(Box::new(inline::Runner));
        let sales = "  sales: { agents: [102], music: music }\n".to_owned();
        files.insert("queues.yaml", "queues:\n".to_owned() + &(0..count).map(queue).chain([sales]).collect::<String>());
        files.insert("plugins/value.wasm", "good");
        company::read(&files).map(|_| ()).map_err(|report| report.to_string())
    };
    assert_eq!(read(company::MAX_COMPONENT_QUEUES), Ok(()));
    let told = read(company::MAX_COMPONENT_QUEUES + 5).unwrap_err();
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    assert!(told.contains("more than 128 queues ask plugins in WebAssembly"), "{told}");
}
