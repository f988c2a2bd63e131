//! Another configuration while calls live: it holds for whatever comes next, and no call is lost by it.
//!
//! | what | calls that live |
//! |---|---|
//! | flows, prompts | stay in the flow that they began, and hear what it names as it was then |
//! | numbers, users, trunks, limits | as before for what was begun; as it says now for the next dial, ring, invite |
//! | grants | go on, within the new limits: minutes that are used up by now end them |
//! | calendars | flows that began ask those that are there now, and queues close by them; switches stay as they were turned |
//! | queues, agents | see [`acd::Acd::reconfigure`] |
//! | who may watch whom | who may no more is told so, and no more than that |
//! | users who register | who does no more has no phones; another realm has everybody prove himself anew |

use std::collections::BTreeMap;
use std::sync::Arc;

use acd::{AgentName, Status};
use base::Now;
use journal::Kind;

use crate::Config;
use crate::fault::Hand;
use crate::switch::Switch;

impl Switch {
    /// Takes a configuration in place of the one it has; `changes` says in few words what is new, for the journal.
    pub fn reconfigure(&mut self, now: Now, config: impl Into<Arc<Config>>, changes: &str) {
        self.hand = Hand::Nothing;
        let config: Arc<Config> = config.into();
        self.sip.set_max_sessions(config.limits.max_sessions());
        // Those that are left are told so as whom they know us.
        self.reconfigure_trunks(now, &config);
        self.sip.set_session_timer(config.limits.session_timer);
        self.sip.set_logins(crate::login::logins(&config));
        self.desk.reconfigure(now, &self.config, &config, &mut self.rng);
        let names =
            |config: &Config| -> Vec<AgentName> { config.agents.iter().map(|agent| agent.name.clone()).collect() };
        let known = |name: AgentName| Some((name.clone(), self.acd.agent_status(&name)?.clone()));
        let before: BTreeMap<AgentName, Status> = names(&self.config).into_iter().filter_map(known).collect();
        let duty = |name: AgentName| (name.clone(), self.duty_of(&config, name.as_str()));
        let duties: BTreeMap<AgentName, Status> = names(&config).into_iter().map(duty).collect();
        let status = |agent: &AgentName| duties.get(agent).cloned().unwrap_or_default();
        self.acd.reconfigure(now, config.queues.clone(), config.agents.clone(), status);
        self.meter.reconfigure(now, &config.grants);
        self.reconfigure_lamps(&config);
        self.config = config;
        self.renew_doors(now);
        self.book.figures.set_targets(self.config.targets());
        self.tell_new_duties(now, &before);
        self.book.write_system(now, Kind::Reloaded { changes: changes.to_owned() });
        self.settle(now);
    }
}
