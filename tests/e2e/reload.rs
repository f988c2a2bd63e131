//! A running switch takes another configuration: whole or not at all, and no call is lost.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Instant;

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound;
use tests::switch::{Switch, binary};
use tests::wait::{SOON, until_true};

fn config(switch: &Switch) -> PathBuf {
    switch.folder().join("config")
}

fn reload(switch: &Switch) -> Output {
    Command::new(binary()).args(["reload", "--config"]).arg(config(switch)).output().expect("the binary runs")
}

/// What a reload that succeeds prints.
fn reloaded(switch: &Switch) -> String {
    let output = reload(switch);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A text in every file of the configuration is replaced by another.
fn replace_everywhere(switch: &Switch, from: &str, to: &str) {
    let config = config(switch);
    let flows = std::fs::read_dir(config.join("flows")).expect("flows").map(|entry| entry.expect("a flow").path());
    let others = ["strowger.yaml", "queues.yaml"].map(|name| config.join(name));
    for path in flows.chain(others) {
        let text = std::fs::read_to_string(&path).expect("there");
        std::fs::write(&path, text.replace(from, to)).expect("written");
    }
}

fn waiting_calls(switch: &Switch) -> usize {
    switch.events("queue_joined").len()
}

#[test]
fn a_caller_stays_in_his_flow_without_a_gap_while_the_next_gets_the_edited_one() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    let switch = Switch::start(&company);
    let mut first = Phone::new(switch.address(), &mut ports);
    let mut dialog = first.call("1002");
    first.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    company
        .flows
        .insert("talk", "version: 1\nnodes:\n  other:\n    play: { prompt: goodbye, repeat: forever }\n".to_owned());
    company.write(&config(&switch));
    // The sound that he hears is another one, too, from the next call on.
    sound::write_wav(&config(&switch).join("prompts/en/welcome.wav"), &sound::sine(tones::MUSIC, 2.0));
    let told = "flows: 1 changed; prompts: 1 changed\n  flow talk: new other; gone talk; 1 caller is inside (1 in talk) and stays in what he began\n";
    let plan =
        Command::new(binary()).args(["reload", "--plan", "--config"]).arg(config(&switch)).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&plan.stdout), format!("plan: {told}"));
    assert!(switch.events("reloaded").is_empty(), "a plan takes nothing");
    assert_eq!(reloaded(&switch), format!("reloaded: {told}"));
    first.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    let mut second = Phone::new(switch.address(), &mut ports);
    let mut other = second.call("1002");
    second.media.wait_for_tone(tones::GOODBYE, Instant::now(), SOON);
    first.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    let mut third = Phone::new(switch.address(), &mut ports);
    let mut last = third.call("1001");
    third.media.wait_for_tone(tones::MUSIC, Instant::now(), SOON);
    let packets = first.media.received();
    let in_step = packets.windows(2).all(|pair| {
        pair[1].sequence() == pair[0].sequence().wrapping_add(1)
            && pair[1].timestamp() == pair[0].timestamp().wrapping_add(160)
    });
    assert!(packets.len() > 20 && in_step, "a packet is missing");
    for (phone, dialog) in [(&mut first, &mut dialog), (&mut second, &mut other), (&mut third, &mut last)] {
        assert_eq!(phone.bye(dialog).status(), Some(200));
    }
    switch.wait_for_cdrs(3);
    switch.assert_quiet();
    assert_eq!(switch.wait_for_event("reloaded", 1, SOON)["changes"], "flows: 1 changed; prompts: 1 changed");
}

#[test]
fn a_faulty_edit_is_refused_whole_with_every_fault_and_calls_go_on() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    let mut switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1002");
    company.flows.insert("talk", "version: 1\nnodes:\n  talk:\n    plya: welcome\n    next: hangup\n".to_owned());
    company.media.insert("threads", "2".to_owned());
    // Right in itself, but not taken without the rest.
    company.numbers.insert("1009", "{ flow: wait }".to_owned());
    company.write(&config(&switch));
    let output = reload(&switch);
    let (told, report) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!((output.status.code(), told.len()), (Some(1), 0), "{report}");
    for words in [
        "flows/talk.yaml:4:5: error:",
        "did you mean `play`?",
        "`threads` cannot change while the switch runs",
        "help: restart the switch",
        "2 faults\n",
    ] {
        assert!(report.contains(words), "`{words}` is not in\n{report}");
    }
    phone.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    let mut other = Phone::new(switch.address(), &mut ports);
    let refused = other.invite("1009", &other.sdp());
    assert_eq!(other.final_response(&refused, SOON).status(), Some(404), "the plan is the old one");
    let mut second = other.call("1002");
    other.media.wait_for_tone(tones::WELCOME, Instant::now(), SOON);
    assert_eq!(switch.wait_for_event("reload_refused", 1, SOON)["faults"], 2);
    assert!(switch.process().errors().contains("not reloaded"), "{}", switch.process().errors());
    // Mended, it is taken.
    company.flows.insert("talk", "version: 1\nnodes:\n  talk:\n    play: welcome\n    next: hangup\n".to_owned());
    company.media.insert("threads", "3".to_owned());
    company.write(&config(&switch));
    assert!(reloaded(&switch).starts_with("reloaded: numbers: 1 added; flows: 1 changed\n"));
    assert_eq!(phone.bye(&mut dialog).status(), Some(200));
    assert_eq!(other.bye(&mut second).status(), Some(200));
    switch.wait_for_cdrs(3);
    switch.assert_quiet();
}

#[test]
fn an_agent_who_is_added_gets_the_call_that_waits() {
    let mut ports = Ports::slice();
    let any = "127.0.0.1:5060".parse().expect("an address");
    let (busy, mut added) = (Phone::new(any, &mut ports), Phone::new(any, &mut ports));
    let company = Company::new(&ports).agent(&format!("sip:agent1@{}", busy.address()));
    let switch = Switch::start(&company);
    added.set_switch(switch.address());
    let (mut first, mut second) = (Phone::new(switch.address(), &mut ports), Phone::new(switch.address(), &mut ports));
    let mut one = first.call("1003");
    until_true("the first call is offered", SOON, || !switch.events("offer_made").is_empty());
    let mut two = second.call("1003");
    until_true("the second call waits", SOON, || waiting_calls(&switch) == 2);
    company.agent(&format!("sip:agent2@{}", added.address())).write(&config(&switch));
    assert_eq!(reloaded(&switch), "reloaded: users: 1 added; queues: 1 changed\n");
    let invite = added.wait_for("INVITE", SOON, |message| message.method() == Some("INVITE"));
    added.respond(&invite, "200 OK", "", &added.sdp());
    added.wait_for("ACK", SOON, |message| message.method() == Some("ACK"));
    switch.wait_for_event("bridged", 1, SOON);
    second.bye(&mut two);
    added.wait_for_request("BYE", SOON);
    first.bye(&mut one);
    let cdrs = switch.wait_for_cdrs(2);
    assert!(cdrs.iter().any(|cdr| cdr["agent"] == "agent2" && cdr["disposition"] == "answered"), "{cdrs:#?}");
    switch.assert_quiet();
}

#[test]
fn callers_in_a_queue_that_is_gone_go_on_in_their_flow() {
    let mut ports = Ports::slice();
    let agent = Phone::new("127.0.0.1:5060".parse().expect("an address"), &mut ports);
    let company = Company::new(&ports).agent(&format!("sip:agent1@{}", agent.address()));
    let switch = Switch::start(&company);
    let (mut first, mut second) = (Phone::new(switch.address(), &mut ports), Phone::new(switch.address(), &mut ports));
    first.call("1003");
    until_true("the first call is offered", SOON, || !switch.events("offer_made").is_empty());
    second.call("1003");
    until_true("the second call waits", SOON, || waiting_calls(&switch) == 2);
    let from = Instant::now();
    replace_everywhere(&switch, "sales", "support");
    let changes = reloaded(&switch);
    assert!(changes.contains("queues: 1 added, 1 removed"), "{changes}");
    second.media.wait_for_tone(tones::GOODBYE, from, SOON);
    // The agent lets the first one's offer ring; then that call goes on, too.
    first.media.wait_for_tone(tones::GOODBYE, from, SOON);
    for phone in [&mut first, &mut second] {
        phone.wait_for_request("BYE", SOON);
    }
    let left: Vec<_> = switch.wait_for_cdrs(2).iter().map(|cdr| cdr["queue"].clone()).collect();
    assert_eq!(left, ["sales", "sales"]);
    assert!(switch.events("queue_left").iter().all(|event| event["why"] == "no_agents"));
    switch.assert_quiet();
}

#[test]
fn sighup_reloads_and_new_users_get_their_passwords() {
    let ports = Ports::slice();
    let company = Company::new(&ports).agent("sip:agent1@127.0.0.1:9");
    let mut switch = Switch::start(&company);
    company.agent("register").write(&config(&switch));
    switch.process().signal("HUP");
    let line = switch.process().wait_for_line("a password", SOON, |line| line.starts_with("password agent2 "));
    assert_eq!(
        switch.wait_for_event("reloaded", 1, SOON)["changes"],
        "users: 1 added; passwords: 1 added; queues: 1 changed"
    );
    let kept = std::fs::read_to_string(switch.data().join("passwords")).expect("kept");
    assert_eq!(format!("password {}", kept.trim().replace(':', "")), line);
    until_true("it is told", SOON, || switch.process().errors().contains("strowger: reloaded: users: 1 added"));
    std::fs::write(config(&switch).join("users.yaml"), "users: [\n").expect("written");
    switch.process().signal("HUP");
    assert_eq!(switch.wait_for_event("reload_refused", 1, SOON)["faults"], 1);
    until_true("the fault is told", SOON, || switch.process().errors().contains("users.yaml:"));
    assert!(switch.terminate(SOON).success());
}

#[test]
fn reloads_at_once_are_done_one_after_the_other() {
    let ports = Ports::slice();
    let switch = Switch::start(&Company::new(&ports));
    let start = || Command::new(binary()).args(["reload", "--config"]).arg(config(&switch)).spawn().expect("it runs");
    let asked: Vec<_> = (0..4).map(|_| start()).collect();
    for mut process in asked {
        assert!(process.wait().expect("it ends").success());
    }
    switch.wait_for_event("reloaded", 4, SOON);
}

#[test]
fn a_changed_file_is_taken_where_the_folder_is_watched_and_a_faulty_one_is_not() {
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.watch = true;
    let mut switch = Switch::start(&company);
    let flow = config(&switch).join("flows/talk.yaml");
    // As editors save: another file takes the place of the old one.
    let save = |text: &str| {
        let beside = flow.with_extension("yaml~");
        std::fs::write(&beside, text).expect("written");
        std::fs::rename(&beside, &flow).expect("moved");
    };
    save("version: 1\nnodes:\n  talk:\n    play: { prompt: goodbye, repeat: forever }\n");
    assert_eq!(switch.wait_for_event("reloaded", 1, SOON)["changes"], "flows: 1 changed");
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut dialog = phone.call("1002");
    phone.media.wait_for_tone(tones::GOODBYE, Instant::now(), SOON);
    save("version: 1\nnodes:\n  talk: { plya: welcome }\n");
    assert_eq!(switch.wait_for_event("reload_refused", 1, SOON)["faults"], 1);
    assert!(switch.process().errors().contains("did you mean `play`?"), "{}", switch.process().errors());
    save("version: 1\nnodes:\n  talk:\n    play: { prompt: goodbye, repeat: forever }\n");
    until_true("it is told that all is well again", SOON, || {
        switch.process().errors().contains("right again, and as before")
    });
    // A folder that is new is watched, too; what means nothing is not told.
    let folder = config(&switch).join("prompts/en/new");
    std::fs::create_dir(&folder).expect("made");
    save("version: 1\nnodes:\n  talk:\n    play: { prompt: goodbye, repeat: forever }\n");
    std::fs::write(config(&switch).join("flows/notes.txt"), "no flow").expect("written");
    sound::write_wav(&folder.join("one.wav"), &sound::sine(tones::MUSIC, 2.0));
    until_true("the prompt is taken", SOON, || {
        switch.events("reloaded").iter().any(|event| event["changes"] == "prompts: 1 added")
    });
    sound::write_wav(&folder.join("two.wav"), &sound::sine(tones::MUSIC, 2.0));
    until_true("the second is taken", SOON, || {
        switch.events("reloaded").iter().filter(|event| event["changes"] == "prompts: 1 added").count() == 2
    });
    assert_eq!(switch.events("reloaded").len(), 3);
    // The whole folder is away, and comes back as another.
    let away = switch.folder().join("away");
    std::fs::rename(config(&switch), &away).expect("moved");
    until_true("it is missed", SOON, || switch.process().errors().contains("cannot be watched"));
    std::fs::write(away.join("flows/talk.yaml"), "version: 1\nnodes:\n  talk: { play: welcome, next: hangup }\n")
        .expect("written");
    std::fs::rename(&away, config(&switch)).expect("moved");
    until_true("it is taken", SOON, || switch.events("reloaded").len() == 4);
    phone.bye(&mut dialog);
    switch.wait_for_cdrs(1);
    switch.assert_quiet();
}
