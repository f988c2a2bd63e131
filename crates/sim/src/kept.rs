//! What of the switch outlives a restart, as storage would keep it.

use crate::World;

impl World {
    /// Takes out what is to be kept.
    pub(crate) fn keep(&mut self) {
        if let Some(turned) = self.switch.poll_turned() {
            self.turned = turned;
        }
        while let Some(said) = self.switch.poll_said() {
            self.said.insert(said.agent.clone(), said);
        }
        while let Some(kept) = self.switch.poll_callback() {
            self.callbacks.insert(kept.callback.clone(), kept);
        }
        while let Some(locations) = self.switch.poll_locations() {
            self.locations.insert(locations.user.clone(), locations);
        }
    }

    /// Hands it to a switch that has started anew.
    pub(crate) fn restore_kept(&mut self) {
        self.switch.restore_switches(self.turned.clone());
        self.switch.restore_agents(self.now, self.said.values().cloned().collect());
        self.switch.restore(self.now, self.locations.values().cloned().collect(), 0);
        self.switch.restore_callbacks(self.now, self.callbacks.values().cloned().collect());
    }
}
