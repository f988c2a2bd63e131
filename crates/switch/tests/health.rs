//! What the machine lacks that the switch runs on: memory, disks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code")]

use std::net::SocketAddr;
use std::time::Duration;

use journal::Kind;
use sim::{Seen, World};
use switch::control::{Request, Response, Status};

fn status(world: &mut World) -> Status {
    let Response::Status(status) = world.switch.handle_control(world.now, Request::Status) else { panic!("no status") };
    status
}

fn call(world: &mut World, phone: SocketAddr) {
    world.with_phone(phone, |phone, now| phone.call(now, "1", "1000"));
}

#[test]
fn while_memory_is_short_a_call_is_taken_for_each_that_ends() {
    let mut world = World::new();
    let phones: Vec<SocketAddr> = (6_000..6_005).map(|port| world.phone(&format!("127.0.0.2:{port}"))).collect();
    let [first, second, third, fourth, fifth] = *phones else { panic!("five") };
    call(&mut world, first);
    call(&mut world, second);
    let usual = status(&mut world).max_calls;
    world.switch.handle_memory(world.now, true);
    // Said again and again.
    world.switch.handle_memory(world.now, true);
    assert_eq!((status(&mut world).max_calls, status(&mut world).memory_short), (2, true));
    call(&mut world, third);
    assert!(world.at(third).saw(&Seen::Refused(503)));
    world.with_phone(first, |phone, now| phone.hang_up(now));
    world.run(Duration::from_secs(1));
    world.switch.handle_memory(world.now, true);
    call(&mut world, fourth);
    assert!(world.at(fourth).saw(&Seen::Answered), "what the first call held is there for this one");
    world.switch.handle_memory(world.now, false);
    assert_eq!((status(&mut world).max_calls, status(&mut world).memory_short), (usual, false));
    call(&mut world, fifth);
    assert!(world.at(fifth).saw(&Seen::Answered));
    world.run(Duration::from_secs(1));
    assert_eq!(world.count(|kind| matches!(kind, Kind::MemoryShort { calls: 2 })), 1);
    assert_eq!(world.count(|kind| matches!(kind, Kind::MemoryWell)), 1);
}

#[test]
fn a_disk_fault_is_in_the_status_until_it_is_over() {
    let mut world = World::new();
    let fault = |what: &str, error: &str| Kind::DiskFault { what: what.into(), error: error.to_owned() };
    world.switch.handle_notice(world.now, fault("journal", "no space"));
    world.switch.handle_notice(world.now, fault("cdr", "no space"));
    world.switch.handle_notice(world.now, fault("journal", ""));
    let faults: Vec<_> = status(&mut world).disk_faults.into_iter().collect();
    assert_eq!(faults, [("cdr".into(), "no space".to_owned())]);
}
