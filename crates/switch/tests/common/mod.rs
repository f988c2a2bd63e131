//! The scene that tests of the switch play in: a company, the phones around it, and what their owners do most.
#![allow(dead_code, reason = "each test file plays another part of the scene")]

use std::net::SocketAddr;
use std::time::Duration;

use acd::AgentState;
use base::CallId;
use journal::Kind;
use sim::{Seen, World, company};
use switch::control::{Request, Response};

pub const SECOND: Duration = Duration::from_secs(1);
/// Longer than any transaction lingers, and than the time to tidy up.
pub const QUIET: Duration = Duration::from_secs(60);

/// The world and its phones, which ring and wait.
pub struct Scene {
    pub world: World,
    /// Calls in by the trunk `local`.
    pub caller: SocketAddr,
    /// Another one who does.
    pub other: SocketAddr,
    /// The phone of agent 101.
    pub ada: SocketAddr,
    /// The phone of agent 102.
    pub alan: SocketAddr,
    /// Where a trunk may lead to.
    pub carrier: SocketAddr,
}

impl Scene {
    /// The company of `sim`.
    pub fn new() -> Self {
        Self::of(company())
    }

    pub fn of(config: switch::Config) -> Self {
        Self::within(World::with(config, 1))
    }

    /// The company of `sim`; the phone of agent 102 is unplugged.
    pub fn without_alan() -> Self {
        let mut scene = Self::new();
        scene.world.unplug(scene.alan);
        scene
    }

    pub fn within(mut world: World) -> Self {
        let phones = ["127.0.0.2:5090", "127.0.0.2:5091", "127.0.0.1:5071", "127.0.0.1:5072", "127.0.0.3:5060"];
        let [caller, other, ada, alan, carrier] = phones.map(|address| world.phone(address));
        Self { world, caller, other, ada, alan, carrier }
    }

    /// Somebody dials, and a second goes by.
    pub fn dial(&mut self, who: SocketAddr, me: &str, number: &str) {
        self.world.with_phone(who, |phone, now| phone.call(now, me, number));
        self.world.run(SECOND);
    }

    /// The caller dials, and a second goes by.
    pub fn call(&mut self, number: &str) {
        self.dial(self.caller, "4930123", number);
    }

    /// The caller of the call that began last presses a key, and a second goes by.
    pub fn press(&mut self, key: char) {
        let leg = self.world.caller_leg();
        self.world.press(leg, key);
        self.world.run(SECOND);
    }

    /// Somebody takes his call, and a second goes by.
    pub fn answer(&mut self, who: SocketAddr) {
        self.world.with_phone(who, |phone, now| phone.answer(now));
        self.world.run(SECOND);
    }

    /// Somebody hangs up.
    pub fn hang_up(&mut self, who: SocketAddr) {
        self.world.with_phone(who, |phone, now| phone.hang_up(now));
    }

    pub fn saw(&mut self, who: SocketAddr, what: &Seen) -> bool {
        self.world.at(who).saw(what)
    }

    /// The first call that operators see.
    pub fn only_call(&mut self) -> CallId {
        let request = Request::Calls { after: None, limit: 0 };
        let Response::Calls(page) = self.world.switch.handle_control(self.world.now, request) else {
            panic!("no calls")
        };
        let Some(first) = page.calls.first() else { panic!("no call") };
        first.call
    }

    /// What was played last.
    pub fn played(&self) -> String {
        self.world.last(|kind| match kind {
            Kind::Play { items, .. } => Some(items.join(" ")),
            _ => None,
        })
    }

    pub fn agent(&self, name: &str) -> Option<AgentState> {
        self.world.switch.agent_state(&name.into())
    }

    /// All is quiet, and there is one CDR.
    pub fn end(&mut self) -> journal::Cdr {
        self.end_all(1).remove(0)
    }

    /// All is quiet, and there are so many CDRs.
    pub fn end_all(&mut self, calls: usize) -> Vec<journal::Cdr> {
        self.world.run(QUIET);
        assert!(self.world.switch.is_quiet(), "{:?}", self.world.switch);
        assert!(self.world.media.open.is_empty());
        let cdrs = self.world.cdrs.clone();
        assert_eq!(cdrs.len(), calls, "{:#?}", self.world.journal);
        for cdr in &cdrs {
            assert_eq!(self.world.story(cdr.call).last(), Some(&&Kind::CallEnded { cut: false }));
        }
        cdrs
    }
}
