//! Ports, strangers, ICMP errors, digits, reports and time-outs with real sockets.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests of a driver: real sockets and time")]

mod support;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use base::{LegId, PlayId};
use leg::{Command, Event, Item, Law, OpenFailure};
use support::{LOCAL, Phone, System, assert_tone, config, port_range, prompt, talk};

#[test]
fn a_port_rests_before_its_next_use_and_the_range_can_be_exhausted() {
    let mut config = config(1);
    config.ports = port_range(3);
    config.port_rest = Duration::from_secs(7);
    let mut system = System::start(config);
    let ports: Vec<u16> = (0..3).map(|leg| system.open(leg)).collect();
    assert!(ports.iter().all(|port| port % 2 == 0));
    let leg = LegId::from_raw(7);
    let failed = Some(Event::OpenFailed { leg, reason: OpenFailure::NoPort });
    assert_eq!(system.media.execute(Command::Open { leg }), failed);
    system.close(LegId::from_raw(1));
    let closed = Instant::now();
    let opened = loop {
        match system.media.execute(Command::Open { leg }) {
            Some(Event::Opened { port, .. }) => break port,
            other => assert_eq!(other, failed),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(opened, ports[1]);
    assert!(closed.elapsed() >= Duration::from_millis(600));
}

#[test]
fn a_port_that_another_program_holds_is_passed_over() {
    let mut config = config(1);
    config.ports = port_range(3);
    let first = *config.ports.start();
    let _held = [first, first + 2].map(|port| UdpSocket::bind((LOCAL, port)).unwrap());
    let mut system = System::start(config);
    assert_eq!(system.open(1), first + 4);
    let leg = LegId::from_raw(1);
    let again = Some(Event::OpenFailed { leg, reason: OpenFailure::AlreadyOpen });
    assert_eq!(system.media.execute(Command::Open { leg }), again);
}

#[test]
fn a_sprayer_is_not_heard_and_hears_nothing() {
    let mut system = System::start(config(2));
    let mut caller = system.phone(1, Law::Ulaw, 400);
    let mut agent = system.phone(2, Law::Ulaw, 1000);
    let mut sprayer = Phone::new(9, caller.switch.port(), Law::Ulaw, 2000);
    system.media.execute(Command::Bridge { a: caller.leg, b: agent.leg });
    talk(&mut [&mut caller, &mut agent], Duration::from_millis(300));
    let from = agent.sound().len();
    // It floods as well: 500 packets a second.
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        (0..10).for_each(|_| sprayer.speak());
        talk(&mut [&mut caller, &mut agent, &mut sprayer], Duration::from_millis(20));
    }
    assert_tone(&agent.sound()[from..], 400.0, 2);
    assert!(sprayer.heard.is_empty());
    let stats = system.close(caller.leg);
    assert_eq!((stats.moves, stats.lost), (0, 0));
}

#[test]
fn a_phone_that_moves_by_a_new_offer_is_heard_and_the_old_address_is_not() {
    let mut system = System::start(config(2));
    let mut caller = system.phone(1, Law::Ulaw, 400);
    let mut agent = system.phone(2, Law::Ulaw, 1000);
    system.media.execute(Command::Bridge { a: caller.leg, b: agent.leg });
    talk(&mut [&mut caller, &mut agent], Duration::from_millis(300));
    let mut moved = Phone::new(1, caller.switch.port(), Law::Ulaw, 700);
    system.media.execute(Command::Start { leg: moved.leg, agreed: moved.agreed() });
    talk(&mut [&mut caller, &mut moved, &mut agent], Duration::from_millis(200));
    let (from, heard) = (agent.sound().len(), caller.heard.len());
    talk(&mut [&mut caller, &mut moved, &mut agent], Duration::from_millis(500));
    assert_tone(&agent.sound()[from..], 700.0, 2);
    assert_tone(&moved.sound()[5 * 160..], 1000.0, 2);
    assert_eq!(caller.heard.len(), heard);
}

#[test]
fn icmp_errors_end_nothing() {
    let mut system = System::start(config(1));
    let port = system.open(1);
    let phone = Phone::new(1, port, Law::Ulaw, 400);
    let (agreed, address) = (phone.agreed(), phone.socket.local_addr().unwrap());
    drop(phone);
    // Each packet is answered by "port unreachable" until the phone is there.
    system.media.execute(Command::Start { leg: LegId::from_raw(1), agreed });
    std::thread::sleep(Duration::from_millis(400));
    let mut phone = Phone::new(1, port, Law::Ulaw, 400);
    phone.socket = UdpSocket::bind(address).unwrap();
    phone.socket.set_nonblocking(true).unwrap();
    talk(&mut [&mut phone], Duration::from_millis(500));
    assert!(phone.heard.len() >= 20, "{}", phone.heard.len());
    // And again once it is latched and its socket connected.
    drop(phone);
    std::thread::sleep(Duration::from_millis(300));
    let mut phone = Phone::new(1, port, Law::Ulaw, 400);
    phone.socket = UdpSocket::bind(address).unwrap();
    phone.socket.set_nonblocking(true).unwrap();
    talk(&mut [&mut phone], Duration::from_millis(500));
    assert!(phone.heard.len() >= 20, "{}", phone.heard.len());
    assert!(system.events.is_empty(), "no event but what is asked for");
    assert!(system.close(phone.leg).received >= 40);
}

#[test]
fn a_digit_is_told_and_sent_on_to_the_peer() {
    let mut system = System::start(config(3));
    let mut caller = system.phone(1, Law::Ulaw, 400);
    let mut agent = system.phone(2, Law::Alaw, 1000);
    agent.dtmf = 96;
    system.media.execute(Command::Start { leg: agent.leg, agreed: agent.agreed() });
    system.media.execute(Command::Bridge { a: caller.leg, b: agent.leg });
    talk(&mut [&mut caller, &mut agent], Duration::from_millis(200));
    let began = caller.timestamp;
    for duration in [160u16, 320, 480, 640, 800, 800, 800] {
        let [high, low] = duration.to_be_bytes();
        caller.send(101, began, &[7, if duration == 800 { 0x8a } else { 10 }, high, low]);
        caller.timestamp += 160;
        std::thread::sleep(Duration::from_millis(20));
    }
    talk(&mut [&mut caller, &mut agent], Duration::from_millis(300));
    let told = system.wait_for(|event| matches!(event, Event::Digit { .. }));
    assert!(matches!(told, Event::Digit { leg, digit } if leg == caller.leg && digit.symbol() == '7'));
    system.wait_for(|event| matches!(event, Event::DigitEnd { duration_ms: 100, .. }));
    let events: Vec<_> = agent.heard.iter().filter(|packet| packet.header.payload_type == 96).collect();
    assert!(events.len() >= 5);
    assert!(events.iter().all(|packet| packet.payload[0] == 7));
    assert_eq!(events.iter().filter(|packet| packet.payload[1] & 0x80 != 0).count(), 3);
}

#[test]
fn a_digit_is_answered_by_a_new_prompt_within_a_tick_or_two() {
    let mut system = System::start(config(2));
    let mut phone = system.phone(1, Law::Ulaw, 400);
    let sounds = |phone: &Phone, hertz: f64| {
        phone.heard.last().is_some_and(|packet| {
            let mut samples = [0; 160];
            phone.law.decode(&packet.payload, &mut samples);
            audio::analysis::amplitude_at(&samples, 8000, hertz) > 1000.0
        })
    };
    talk(&mut [&mut phone], Duration::from_millis(100));
    let prompts = [440, 880].map(|hertz| Item::Prompt(prompt(hertz)));
    let mut times: Vec<Duration> = (0..21u32)
        .map(|n| {
            // At all phases of the tick.
            talk(&mut [&mut phone], Duration::from_millis(100));
            std::thread::sleep(Duration::from_millis(u64::from(n)));
            let pressed = Instant::now();
            phone.send(101, phone.timestamp, &[5, 0x8a, 3, 32]);
            system.wait_for(|event| matches!(event, Event::Digit { .. }));
            let (prompt, hertz) = [(&prompts[0], 440.0), (&prompts[1], 880.0)][n as usize % 2];
            let (leg, play) = (phone.leg, PlayId::from_raw(u64::from(n)));
            system.media.execute(Command::Play { leg, play, items: [prompt.clone()].into(), repeat: true });
            while !sounds(&phone, hertz) {
                assert!(pressed.elapsed() < Duration::from_secs(5));
                std::thread::sleep(Duration::from_micros(100));
                phone.listen();
            }
            pressed.elapsed()
        })
        .collect();
    times.sort();
    println!("digit to prompt: median {:?}, longest {:?}", times[10], times[20]);
    // Generous, as other tests run on the same cores: 12 and 23 ms alone.
    assert!(times[10] < Duration::from_millis(45), "{times:?}");
}

#[test]
fn legs_work_over_ipv6() {
    let mut config = config(1);
    config.bind = std::net::Ipv6Addr::LOCALHOST.into();
    let mut system = System::start(config);
    let port = system.open(1);
    let mut phone = Phone::new(1, port, Law::Ulaw, 400);
    phone.socket = UdpSocket::bind("[::1]:0").unwrap();
    phone.socket.set_nonblocking(true).unwrap();
    phone.switch = (std::net::Ipv6Addr::LOCALHOST, port).into();
    system.media.execute(Command::Start { leg: phone.leg, agreed: phone.agreed() });
    talk(&mut [&mut phone], Duration::from_millis(300));
    assert!(phone.heard.len() >= 8);
    assert!(system.close(phone.leg).received >= 8);
}

#[test]
fn a_leg_that_hears_nothing_is_told_as_silent() {
    let mut config = config(1);
    config.rtp_timeout = Duration::from_millis(300);
    let mut system = System::start(config);
    let phone = system.phone(1, Law::Ulaw, 400);
    let silent = system.wait_for(|_| true);
    assert_eq!(silent, Event::Silent { leg: phone.leg });
}

#[test]
fn rtcp_comes_from_the_port_above_and_its_socket_is_opened_for_it() {
    let mut system = System::start(config(1));
    let port = system.open(1);
    let mut phone = Phone::new(1, port, Law::Ulaw, 400);
    let rtcp = UdpSocket::bind((LOCAL, 0)).unwrap();
    rtcp.set_nonblocking(true).unwrap();
    let agreed = sdp::Agreed { remote_rtcp: Some(rtcp.local_addr().unwrap()), ..phone.agreed() };
    system.media.execute(Command::Start { leg: phone.leg, agreed });
    assert!(UdpSocket::bind((LOCAL, port + 1)).is_ok(), "not open yet");
    let (mut datagram, until) = ([0; 500], Instant::now() + Duration::from_secs(12));
    let (length, source) = loop {
        talk(&mut [&mut phone], Duration::from_millis(100));
        if let Ok(received) = rtcp.recv_from(&mut datagram) {
            break received;
        }
        assert!(Instant::now() < until, "no report");
    };
    assert_eq!(source.port(), port + 1);
    assert!(rtp::rtcp::parse(&datagram[..length]).is_ok());
    rtcp.send_to(&datagram[..length], source).unwrap();
    talk(&mut [&mut phone], Duration::from_millis(100));
    system.close(phone.leg);
    rtcp.set_nonblocking(false).unwrap();
    rtcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let length = rtcp.recv(&mut datagram).unwrap();
    assert!(rtp::rtcp::parse(&datagram[..length]).unwrap().any(|packet| packet == rtp::rtcp::Rtcp::Bye));
}

#[test]
fn packets_are_spaced_by_20_ms() {
    let mut system = System::start(config(2));
    let mut phone = system.phone(1, Law::Ulaw, 400);
    talk(&mut [&mut phone], Duration::from_secs(2));
    let mut spacings: Vec<Duration> = phone.heard.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    spacings.sort();
    let median = spacings[spacings.len() / 2];
    // Generous: other tests run on the same cores. The phone looks once a millisecond.
    assert!((Duration::from_millis(17)..Duration::from_millis(23)).contains(&median), "{median:?}");
    let whole: Duration = spacings.iter().sum();
    let mean = whole / spacings.len() as u32;
    assert!((Duration::from_micros(19_500)..Duration::from_micros(20_500)).contains(&mean), "no drift: {mean:?}");
}
