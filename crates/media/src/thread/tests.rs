//! Messages in orders that real threads bring about rarely.

use leg::Leg;

use super::*;
use crate::NoTakes;

/// Two threads that do not run, with their queues.
fn workers() -> [Worker; 2] {
    let queues = [0, 1].map(|_| crossbeam_channel::bounded(100));
    let lines: Vec<Line> = queues
        .iter()
        .map(|(messages, _)| Line {
            messages: messages.clone(),
            alarm: Arc::new(Alarm::new().unwrap()),
            dormant: Arc::default(),
        })
        .collect();
    let mut lines_of = lines.clone().into_iter();
    queues.map(|(_, messages)| {
        let setup = Setup {
            clock: Clock::start(),
            offset: Duration::ZERO,
            messages,
            own: lines_of.next().unwrap(),
            lines: lines.clone(),
            ports: crossbeam_channel::bounded(10).0,
            sinks: Sinks { events: Box::new(|_| Ok(())), takes: Box::new(NoTakes) },
            tally: Arc::default(),
            tones: Arc::default(),
            rtp_timeout: Duration::from_secs(10),
            bind: std::net::Ipv4Addr::LOCALHOST.into(),
            dscp: 46,
            rng: Rng::from_number(1),
        };
        Worker::new(setup).unwrap()
    })
}

fn slot(id: LegId) -> Box<Slot> {
    let leg = Leg::new(id, &mut Rng::from_number(1));
    Box::new(Slot { leg, port: 2, rtp: None, connected: None, is_connected: false, rtcp: None, no_rtcp: false })
}

#[test]
fn orders_wait_for_a_leg_that_comes_goes_and_comes_again_before_it_has_come_once() {
    let [mut here, mut there] = workers();
    let (id, peer) = (LegId::from_raw(1), LegId::from_raw(2));
    // The handle moved the leg here, there, and here again; only then the first thread let it go.
    for message in [
        Message::Expect(id),
        Message::Order(id, Order::Join(peer)),
        Message::Detach(id, 1),
        Message::Expect(id),
        Message::Order(id, Order::Part),
        Message::Order(id, Order::Close),
    ] {
        here.handle_message(message);
    }
    here.handle_message(Message::Attach(slot(id)));
    assert!(here.roster.find(id).is_none(), "gone on");
    there.handle_message(Message::Expect(id));
    there.handle_message(Message::Detach(id, 0));
    assert_eq!(there.setup.messages.len(), 1);
    let Ok(Message::Attach(leg)) = there.setup.messages.try_recv() else { panic!("no leg") };
    assert_eq!(leg.leg.peers(), [Some(peer), None], "what came after its going waits for its coming back");
    there.handle_message(Message::Attach(leg));
    here.take_messages();
    assert!(here.is_idle() || here.closing.is_empty());
    assert!(here.roster.is_empty(), "parted and closed");
    assert_eq!(here.events.len(), 1);
}

#[test]
fn a_leg_does_not_leave_before_its_events() {
    let [mut here, there] = workers();
    let id = LegId::from_raw(1);
    here.setup.sinks.events = Box::new(Err);
    here.handle_message(Message::Open(slot(id)));
    here.events.push(Event::Silent { leg: id });
    here.handle_message(Message::Detach(id, 1));
    assert!(there.setup.messages.is_empty());
    here.setup.sinks.events = Box::new(|_| Ok(()));
    here.send_leaving();
    assert_eq!((here.events.len(), there.setup.messages.len()), (0, 1));
}

/// A call whose other end is to be sent audio.
fn agreed() -> sdp::Agreed {
    sdp::Agreed {
        remote: Some((std::net::Ipv4Addr::LOCALHOST, 9).into()),
        remote_rtcp: None,
        direction: sdp::Direction::SendRecv,
        codec: sdp::Codec::Pcmu,
        send_pt: 0,
        receive_pt: 0,
        receive_other: None,
        dtmf_send_pt: None,
        dtmf_receive_pt: None,
        send_ptime_ms: 20,
        srtp: None,
    }
}

#[test]
fn a_leg_that_was_on_its_way_makes_up_for_its_ticks() {
    let [mut here, mut there] = workers();
    let id = LegId::from_raw(1);
    for (missed, made_up) in [(0, 0), (1, 1), (3, 3), (4, 4), (5, 4), (1_000, 4)] {
        here.handle_message(Message::Open(slot(id)));
        here.handle_message(Message::Order(id, Order::Start(agreed())));
        let now = here.setup.clock.now();
        for number in [7, 8] {
            here.tick(now, number);
        }
        here.handle_message(Message::Detach(id, 1));
        // Tick 8 was the last one there, too.
        there.ticks.next = 9 + missed;
        there.take_messages();
        let sent = |worker: &mut Worker| worker.roster.find(id).unwrap().leg.stats().sent;
        assert_eq!(sent(&mut there), 2 + made_up, "{missed} missed");
        there.tick(now, 9 + missed);
        assert_eq!(sent(&mut there), 3 + made_up);
        there.roster.remove(id);
    }
}
