//! RFC 4475's torture messages over UDP, TCP and TLS, and RFC 5118's with IPv6 addresses, octet for octet: each gets an answer that its
//! index accepts. And messages of real products: each is answered as what it is. The switch answers OPTIONS after each. (What the
//! parser makes of them is asserted in `sip-message`'s own tests.)
//!
//! The messages are not part of the project: `STROWGER_CORPUS` names the folder that holds `rfc4475/`, `rfc5118/`, `messages/`.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::certificates::Authority;
use tests::company::Company;
use tests::phone::{Message, Phone};
use tests::ports::Ports;
use tests::records;
use tests::switch::Switch;
use tests::tunnel::Tunnel;
use tests::wait::{SOON, pause};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("STROWGER_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/sip"), PathBuf::from);
    if !folder.join("rfc4475/INDEX.tsv").exists() {
        println!("skipped: no corpus");
        return None;
    }
    Some(folder)
}

/// What one row of the index accepts.
struct Row {
    name: String,
    class: String,
    accepts: String,
}

fn index(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("INDEX.tsv")).expect("the index");
    let mut rows = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let heading = rows.next().expect("a heading");
    let accepts = heading.iter().position(|column| column.starts_with("accept_codes")).expect("what is accepted");
    rows.map(|row| Row { name: row[0].to_owned(), class: row[2].to_owned(), accepts: row[accepts].to_owned() })
        .collect()
}

/// The ports that answers to `message` may go to.
fn ports(message: &[u8]) -> BTreeSet<u16> {
    let unfolded = String::from_utf8_lossy(message).replace("\r\n ", " ").replace("\r\n\t", " ");
    let via = unfolded.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        ["via", "v"].contains(&name.trim().to_lowercase().as_str()).then(|| value.to_owned())
    });
    let sent_by = via.as_deref().and_then(|via| via.split([';', ',']).next()).unwrap_or_default();
    let port = sent_by.rsplit_once(':').and_then(|(_, port)| port.trim().parse().ok());
    [5060].into_iter().chain(port).collect()
}

/// Sends `message` and gives what came back within a time. An address of one's own is needed to send from, because
/// answers go to the port that a Via names, often 5060.
fn replay(message: &[u8], switch: SocketAddr, source: IpAddr, time: Duration) -> Vec<Message> {
    let bind = |port| UdpSocket::bind((source, port)).unwrap_or_else(|e| panic!("{source}:{port}: {e}"));
    let sockets: Vec<UdpSocket> = ports(message).into_iter().map(bind).collect();
    sockets[0].send_to(message, switch).expect("sent");
    let (mut found, mut end) = (Vec::new(), Instant::now() + time);
    while Instant::now() < end {
        for socket in &sockets {
            socket.set_read_timeout(Some(Duration::from_millis(10))).expect("a limit");
            let mut buffer = vec![0; 65_535];
            if let Ok((size, _)) = socket.recv_from(&mut buffer) {
                found.push(Message::new(&buffer[..size]));
                end = end.min(Instant::now() + Duration::from_millis(300));
            }
        }
    }
    found
}

fn statuses(answers: &[Message]) -> Vec<u16> {
    answers.iter().filter_map(Message::status).collect()
}

/// Whether `statuses` is what the row accepts. Its column is made for readers: codes, ranges, and words.
fn fits(row: &Row, statuses: &[u16]) -> bool {
    let Row { class, accepts, .. } = row;
    let finals: BTreeSet<u16> = statuses.iter().copied().filter(|status| *status >= 200).collect();
    if statuses.is_empty() {
        return class.contains("response") || accepts.split(['|', ';']).any(|word| word.trim() == "silence");
    }
    if class.contains("response") {
        return false;
    }
    let named: Vec<u16> = accepts.split(|c: char| !c.is_ascii_digit()).filter_map(|code| code.parse().ok()).collect();
    let refused = accepts.contains("any but") || accepts.contains("except") || accepts.contains("(not");
    if accepts.contains("lenient") {
        return !finals.contains(&500);
    }
    if accepts.starts_with("any;") {
        return true;
    }
    if accepts.starts_with("any final") {
        return !finals.is_empty();
    }
    if accepts.contains("any but") || accepts.contains("except") {
        return finals.iter().all(|status| !named.contains(status) || *status == 100 || *status == 699);
    }
    if accepts.contains("once") && statuses.len() != 1 {
        return false;
    }
    let named: Vec<u16> = if refused { named.into_iter().filter(|code| *code != 400).collect() } else { named };
    finals.len() == 1 && finals.iter().all(|status| named.contains(status))
}

/// A company that holds any domain for its own and takes calls from this whole machine.
fn open_company(ports: &Ports) -> Company {
    let mut company = Company::new(ports);
    company.trunk = "127.0.0.0/8".to_owned();
    company.tcp = true;
    company
}

/// Sends `message` over a connection of its own; gives the statuses that came back, and whether the switch closed it.
fn replay_by_tcp(message: &[u8], switch: SocketAddr) -> (Vec<u16>, bool) {
    let mut stream = TcpStream::connect(switch).expect("a connection");
    stream.write_all(message).expect("sent");
    let mut octets = Vec::new();
    let mut closed = false;
    let end = Instant::now() + Duration::from_millis(1500);
    let mut quiet = end;
    while Instant::now() < quiet.min(end) && !closed {
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a limit");
        let mut buffer = vec![0; 65_535];
        match stream.read(&mut buffer) {
            Ok(0) => closed = true,
            Ok(size) => {
                octets.extend_from_slice(&buffer[..size]);
                quiet = Instant::now() + Duration::from_millis(300);
            }
            Err(error) => closed = error.kind() == ErrorKind::ConnectionReset,
        }
    }
    let text = String::from_utf8_lossy(&octets).into_owned();
    let found = text.lines().filter_map(|line| line.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok());
    (found.collect(), closed)
}

/// What came of all rows: `answer` gives the statuses that a message got from a fresh switch of `company`.
fn judge(title: &str, folder: &Path, company: &Company, answer: impl Fn(&Row, &[u8], &Switch) -> Vec<u16>) {
    let mut ports = Ports::slice();
    let mut phone = Phone::at(company.address, (company.address, 9).into(), &mut ports);
    let (mut right, mut wrong) = (0, Vec::new());
    let rows = index(folder);
    for row in &rows {
        let message = std::fs::read(folder.join(format!("{}.dat", row.name))).expect("the message");
        // Some share a branch, so that one switch would rightly take one for another sent again: each gets a fresh one.
        let switch = Switch::start(company);
        phone.set_switch(switch.address());
        let statuses = answer(row, &message, &switch);
        assert!(phone.probe(), "no answer to OPTIONS behind {}", row.name);
        let fit = fits(row, &statuses);
        // `test` is in the archive, but in no section of the RFC: judged, not counted.
        if fit && row.name != "test" {
            right += 1;
        } else if !fit {
            wrong.push(format!("{}: got {statuses:?}, accepted: {}", row.name, row.accepts));
        }
    }
    let all = rows.iter().filter(|row| row.name != "test").count();
    println!("{title}: {right}/{all} right");
    assert!(wrong.is_empty(), "{right}/{all} right, wrong:\n{}", wrong.join("\n"));
}

/// How long a datagram's answer is waited for.
const PATIENCE: Duration = Duration::from_millis(900);

#[test]
fn each_message_of_rfc_4475_gets_the_answer_that_its_index_asks_for() {
    let Some(corpus) = corpus() else { return };
    let source = Ipv4Addr::new(127, 0, 0, 2).into();
    judge("RFC 4475 over UDP", &corpus.join("rfc4475"), &open_company(&Ports::slice()), |_, message, switch| {
        statuses(&replay(message, switch.address(), source, PATIENCE))
    });
}

#[test]
fn each_message_of_rfc_4475_over_tcp_gets_the_answer_that_its_index_asks_for() {
    let Some(corpus) = corpus() else { return };
    judge("RFC 4475 over TCP", &corpus.join("rfc4475"), &open_company(&Ports::slice()), |row, message, switch| {
        judge_stream(row, replay_by_tcp(message, switch.tcp()))
    });
}

/// What a stream makes otherwise than datagrams.
fn judge_stream(row: &Row, (mut statuses, closed): (Vec<u16>, bool)) -> Vec<u16> {
    match row.name.as_str() {
        // Two requests: the REGISTER gets what the index says, and the INVITE behind it an answer of its own. (Its body
        // is longer than it says, which ends the framing behind it.)
        "dblreq" => {
            assert!(statuses.len() == 2, "both are answered: {statuses:?}");
            statuses.truncate(1);
        }
        // The rest of its body may still come: the index takes this silence for the 400 that datagrams get.
        "clerr" => {
            assert!(statuses.is_empty() && !closed, "{statuses:?}");
            statuses.push(400);
        }
        // Where the next message begins is not known.
        "ncl" | "mcl01" | "inv2543" => assert!(statuses == [400] && closed, "{}: {statuses:?} {closed}", row.name),
        _ => {}
    }
    statuses
}

#[test]
fn each_message_of_rfc_4475_under_tls_gets_the_answer_that_its_index_asks_for() {
    let Some(corpus) = corpus() else { return };
    let files = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(files.path(), "authority");
    let pair = authority.issue("switch", &["IP:127.0.0.1"], 30);
    let listener = format!("tls: 127.0.0.1:0\n    {}", pair.lines());
    let company = Company { listeners: vec![listener], ..open_company(&Ports::slice()) };
    judge("RFC 4475 under TLS", &corpus.join("rfc4475"), &company, |row, message, switch| {
        let mut tunnel = Tunnel::open(switch.listening("tls"), &authority.file(), &[]);
        tunnel.send(message);
        judge_stream(row, replay_by_tunnel(&mut tunnel))
    });
}

/// The statuses that come back, and whether the switch closes the connection.
fn replay_by_tunnel(tunnel: &mut Tunnel) -> (Vec<u16>, bool) {
    // The handshake takes its time on a busy machine.
    let (end, mut quiet) = (Instant::now() + Duration::from_secs(4), None);
    while Instant::now() < end && quiet.is_none_or(|quiet| Instant::now() < quiet) && !tunnel.is_over() {
        pause(Duration::from_millis(20));
        if quiet.is_none() && !tunnel.text().is_empty() {
            quiet = Some(Instant::now() + Duration::from_millis(600));
        }
    }
    let text = tunnel.text();
    let found = text.lines().filter_map(|line| line.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok());
    (found.collect(), tunnel.is_over())
}

/// Over one version of IP, by datagrams from `source` and by connections. Whom its INVITEs are for is there, so that each shows
/// what is made of its description.
fn rfc_5118(source: IpAddr, address: IpAddr) {
    let Some(corpus) = corpus() else { return };
    let mut company = open_company(&Ports::slice());
    company.address = address;
    company.trunk = if address.is_ipv4() { "127.0.0.0/8" } else { "::1" }.to_owned();
    company.media.insert("bind", format!("\"{address}\""));
    company.numbers.insert("user", "{ flow: talk }".to_owned());
    let folder = corpus.join("rfc5118");
    judge(&format!("RFC 5118 over UDP at {address}"), &folder, &company, |_, message, switch| {
        statuses(&replay(message, switch.address(), source, PATIENCE))
    });
    judge(&format!("RFC 5118 over TCP at {address}"), &folder, &company, |_, message, switch| {
        replay_by_tcp(message, switch.tcp()).0
    });
}

#[test]
fn each_message_of_rfc_5118_over_ipv4_gets_the_answer_that_its_index_asks_for() {
    rfc_5118(Ipv4Addr::new(127, 0, 0, 3).into(), Ipv4Addr::LOCALHOST.into());
}

#[test]
fn each_message_of_rfc_5118_over_ipv6_gets_the_answer_that_its_index_asks_for() {
    rfc_5118(Ipv6Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
}

/// Numbers that the captured messages call.
const CALLED: [&str; 9] = ["2504", "2302", "8802", "test", "101", "97239287044", "08019200028", "francisco", "bob"];

/// Those of them whose offer cannot be met: no stream at all (port 0), G.722, G.729 or Opus alone, IPv6 towards a switch without.
const UNMET: [&str; 5] = ["133-", "171-", "177-", "183-", "207-"];

/// What a captured message is answered.
fn answer_to(name: &str, message: &Message) -> &'static [u16] {
    let in_dialog = message.headers("To").iter().chain(&message.headers("t")).any(|to| to.contains(";tag="));
    match message.method() {
        // `From: \"arik\" <…>`: a backslash stands in quoted strings only.
        _ if name.starts_with("221-") => &[400],
        // A response to nothing of ours, and the end of an INVITE that we never saw.
        None | Some("ACK") => &[],
        Some("REGISTER") => &[401],
        Some("OPTIONS") => &[200],
        Some("INVITE") if in_dialog => &[481],
        Some("INVITE") if UNMET.iter().any(|number| name.starts_with(number)) => &[488],
        Some("INVITE") => &[200],
        Some("BYE" | "CANCEL") => &[481],
        // Whoever sends them comes by a trunk, and is no user.
        Some("SUBSCRIBE") if message.header("Event") == Some("message-summary") => &[403],
        Some("SUBSCRIBE") => &[489],
        Some("PUBLISH") => &[405],
        Some("PRACK") => &[405, 481],
        Some(other) => panic!("{name}: {other}"),
    }
}

#[test]
fn each_message_of_a_real_product_is_answered_as_what_it_is() {
    let Some(corpus) = corpus() else { return };
    let mut ports = Ports::slice();
    let mut company = open_company(&ports);
    company.numbers.extend(CALLED.map(|number| (number, "{ flow: talk }".to_owned())));
    let switch = Switch::start(&company);
    let mut phone = Phone::new(switch.address(), &mut ports);
    let mut wrong = Vec::new();
    for path in records::files(&corpus.join("messages"), ".sip") {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let octets = std::fs::read(&path).expect("the message");
        let message = Message::new(&octets);
        let expected = answer_to(&name, &message);
        let time = if expected.is_empty() { Duration::from_millis(60) } else { PATIENCE };
        let mut answers = replay(&octets, switch.address(), Ipv4Addr::new(127, 0, 0, 4).into(), time);
        // Answers to earlier ones come again, as nobody acknowledges them.
        let same = |name: &str, short: &str, answer: &Message| {
            answer.header(name) == message.header(name).or_else(|| message.header(short))
        };
        answers.retain(|answer| same("Call-ID", "i", answer) && same("CSeq", "", answer));
        let got = statuses(&answers);
        let fits = got.iter().all(|status| expected.contains(status)) && got.is_empty() == expected.is_empty();
        if !fits {
            wrong.push(format!("{name}: {got:?}, not {expected:?}"));
        }
        assert!(phone.probe(), "no answer to OPTIONS behind {name}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_switch_lives_through_all_of_rfc_4475_and_rfc_5118() {
    let Some(corpus) = corpus() else { return };
    let mut ports = Ports::slice();
    let switch = Switch::start(&open_company(&ports));
    let mut phone = Phone::new(switch.address(), &mut ports);
    let folders = ["rfc4475", "rfc5118"].map(|folder| corpus.join(folder));
    for path in folders.iter().flat_map(|folder| records::files(folder, ".dat")) {
        phone.send(&std::fs::read(&path).expect("the message"));
        assert!(phone.probe(), "no answer to OPTIONS behind {}", path.display());
    }
    switch.wait_for_event("malformed", 1, SOON);
}
