//! Two scripted phones that talk through the switch.

use std::net::SocketAddr;
use std::time::Instant;

use crate::company::{Company, tones};
use crate::phone::{Dialog, Phone};
use crate::ports::Ports;
use crate::switch::Switch;
use crate::wait::SOON;

/// A caller and an agent who talk, each with a tone of his own.
#[derive(Debug)]
pub struct Talk {
    /// What else may be taken.
    pub ports: Ports,
    /// The switch.
    pub switch: Switch,
    /// The caller's phone.
    pub caller: Phone,
    /// The agent's phone.
    pub agent: Phone,
    /// The caller's side of his dialog with the switch.
    pub call: Dialog,
    /// The agent's side of his.
    pub answer: Dialog,
}

/// The caller dials `number` of a company that `change` was made to, and presses `keys`; the agent answers.
///
/// # Panics
/// If they don't hear each other.
pub fn talk(number: &str, keys: &str, change: impl FnOnce(&mut Company)) -> Talk {
    let mut ports = Ports::slice();
    // His own address is known before the switch is there.
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let mut agent = Phone::new(nowhere, &mut ports);
    let mut company = Company::new(&ports).agent(&format!("sip:agent1@{}", agent.address()));
    change(&mut company);
    let switch = Switch::start(&company);
    agent.set_switch(switch.address());
    let mut caller = Phone::new(switch.address(), &mut ports);
    caller.media.say(Some(tones::CALLER));
    agent.media.say(Some(tones::AGENT));
    let start = Instant::now();
    let (call, answer) = if keys.is_empty() {
        let mut call = caller.invite(number, &caller.sdp());
        let answer = agent.take_call(SOON);
        let response = caller.final_response(&call, SOON);
        caller.establish(&mut call, &response);
        (call, answer)
    } else {
        let call = caller.call(number);
        caller.media.press(keys);
        (call, agent.take_call(SOON))
    };
    caller.media.wait_for_tone(tones::AGENT, start, SOON);
    agent.media.wait_for_tone(tones::CALLER, start, SOON);
    Talk { ports, switch, caller, agent, call, answer }
}
