//! Calendars that flows ask, and the switches that people turn in an emergency: kept over a restart, and told to the journal.

use std::sync::Arc;

use base::{CallId, Now, Wall};
use hours::{Decision, State, Turned};
use journal::Kind;
use serde::{Deserialize, Serialize};

use crate::flow::FlowInput;
use crate::switch::Switch;

/// How a switch stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchState {
    /// Its name.
    pub switch: Arc<str>,
    /// What it means, as `hours.yaml` says.
    pub means: Arc<str>,
    /// The calendars that it closes.
    pub closes: Vec<Arc<str>>,
    /// On, or off.
    pub on: bool,
    /// When it was turned last, in microseconds since 1970; none if never.
    #[serde(default)]
    pub since: Option<Wall>,
    /// Who did that.
    #[serde(default)]
    pub by: String,
    /// Why, in his words.
    #[serde(default)]
    pub reason: String,
}

impl Switch {
    /// How switches were turned when an earlier run ended, as [`Switch::poll_turned`] gave it. To be called at the start.
    pub fn restore_switches(&mut self, kept: Vec<Turned>) {
        self.board.restore(kept);
    }

    /// How all switches are turned now, to be kept over a restart; none if that did not change.
    pub fn poll_turned(&mut self) -> Option<Vec<Turned>> {
        std::mem::take(&mut self.turned).then(|| self.board.kept())
    }

    /// A flow asks: the answer and its reason go into the journal, and then to the flow.
    pub(crate) fn ask_hours(&mut self, now: Now, call: CallId, calendar: &Arc<str>) {
        let Decision { state, why, .. } = self.decide_hours(now, calendar);
        self.note(now, call, Kind::Hours { calendar: calendar.clone(), state: state.word().into(), why });
        self.flow_inputs.push_back((call, FlowInput::Hours(state)));
    }

    /// How a calendar stands, and why.
    pub(crate) fn decide_hours(&self, now: Now, calendar: &str) -> Decision {
        match self.config.calendars.get(calendar) {
            Some(found) => found.decide(now.wall, self.board.emergency(found)),
            // A reload has taken it away; the flow of before still asks for it.
            None => {
                let why = format!("closed: there is no calendar {calendar} any more");
                Decision { state: State::Closed, why, until: None }
            }
        }
    }

    /// Turns a switch, and tells the journal. None if there is no such switch.
    pub(crate) fn turn(&mut self, now: Now, turned: Turned) -> Option<SwitchState> {
        let Turned { switch, on, by, reason, .. } = self.board.turn(&self.config.switches, turned).ok()?;
        self.turned = true;
        self.renew_doors(now);
        self.book.write_system(now, Kind::Turned { switch: switch.clone(), on, by, reason });
        // Who waits in a queue that it closes is told at once.
        self.settle(now);
        self.switch_states().into_iter().find(|state| state.switch == switch)
    }

    /// How every switch stands, by name.
    pub(crate) fn switch_states(&self) -> Vec<SwitchState> {
        let state = |(name, means): (&Arc<str>, &Arc<str>)| {
            let closes = self.config.calendars.values().filter(|calendar| calendar.switches().contains(name));
            let closes = closes.map(|calendar| calendar.name().clone()).collect();
            let state = SwitchState { switch: name.clone(), means: means.clone(), closes, ..SwitchState::default() };
            match self.board.of(name) {
                Some(Turned { on, at, by, reason, .. }) => {
                    SwitchState { on: *on, since: Some(*at), by: by.clone(), reason: reason.clone(), ..state }
                }
                None => state,
            }
        };
        self.config.switches.iter().map(state).collect()
    }
}
