//! Erlang's formulas: what a queue with Poisson arrivals, exponential talk times and one kind of agents does in the long run.
//!
//! | model | callers' patience | who found it |
//! |---|---|---|
//! | Erlang B | none: who finds nobody free is gone | A. K. Erlang, 1917 |
//! | Erlang C (M/M/n) | endless | A. K. Erlang, 1917 |
//! | Erlang A (M/M/n+M) | exponential | C. Palm, 1946; computed as by A. Mandelbaum and S. Zeltyn, 2004 |
//!
//! The centre on the virtual clock ([`crate::Centre`]) must agree with C and A where they apply: no time after a call, phones
//! that are answered at once, longest idle or any other rule that keeps nobody idle while somebody waits. Times are in seconds.

/// The share of calls that find `agents` busy and are lost, at a load of `load` Erlang (arrivals a second × mean talk time).
#[must_use]
pub fn erlang_b(load: f64, agents: u32) -> f64 {
    (1..=agents).fold(1.0, |lost, agent| load * lost / (f64::from(agent) + load * lost))
}

/// The share of calls that wait where all callers are patient: Erlang C. 1 if the load is not below the number of agents: the
/// queue grows without end.
#[must_use]
pub fn erlang_c(load: f64, agents: u32) -> f64 {
    let servers = f64::from(agents);
    if load >= servers {
        return 1.0;
    }
    let lost = erlang_b(load, agents);
    servers * lost / (servers - load * (1.0 - lost))
}

/// A queue in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Calls a second.
    pub arrivals: f64,
    /// Mean talk time.
    pub talk: f64,
    /// Agents, at least one.
    pub agents: u32,
    /// Mean patience; none: endless (Erlang C).
    pub patience: Option<f64>,
}

/// What the model says of a queue. All shares are of all calls that came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// The share of calls that wait at all.
    pub waits: f64,
    /// The mean wait, of all calls, those included that did not wait or gave up.
    pub mean_wait: f64,
    /// The share of calls that give up.
    pub abandons: f64,
    /// The share of their time in which agents talk.
    pub occupancy: f64,
    /// The mean number of calls that wait.
    pub queue: f64,
}

/// States are left out that are so many times less likely than the likeliest.
const NEGLIGIBLE: f64 = 1e-16;
/// The parts of a numerical integral (Simpson's rule), even.
const PARTS: u32 = 2_000;

impl Model {
    /// What is so in the long run. With endless patience and too much load all is infinite.
    #[must_use]
    pub fn predict(&self) -> Predicted {
        let weights = self.weights();
        let all = weights.idle + weights.busy;
        let (waits, queue) = match weights.is_finite() {
            true => (weights.busy / all, weights.queue / all),
            false => (1.0, f64::INFINITY),
        };
        let abandons = self.patience.map_or(0.0, |patience| queue / patience / self.arrivals);
        Predicted {
            waits,
            mean_wait: queue / self.arrivals,
            abandons,
            occupancy: (self.load() * (1.0 - abandons) / f64::from(self.agents)).min(1.0),
            queue,
        }
    }

    /// The share of calls that are answered within `time`: who gives up counts as not answered.
    #[must_use]
    pub fn answered_within(&self, time: f64) -> f64 {
        let weights = self.weights();
        if !weights.is_finite() {
            return 0.0;
        }
        let all = weights.idle + weights.busy;
        // The density of the wait that a patient caller is offered at 0+: the rate at which calls come while one agent is free.
        let first = self.arrivals * (f64::from(self.agents) / self.load()) / all;
        let rate = f64::from(self.agents) / self.talk;
        let density = |x: f64| match self.patience {
            Some(patience) => {
                let impatient = 1.0 - (-x / patience).exp();
                first * (self.arrivals * patience * impatient - rate * x - x / patience).exp()
            }
            None => first * ((self.arrivals - rate) * x).exp(),
        };
        weights.idle / all + simpson(density, time)
    }

    /// The load in Erlang.
    #[must_use]
    pub fn load(&self) -> f64 {
        self.arrivals * self.talk
    }

    /// The weights of the states of the birth-and-death process, that of "all agents talk, nobody waits" being 1.
    fn weights(&self) -> Weights {
        let (load, agents) = (self.load(), f64::from(self.agents));
        let mut idle = 0.0;
        let mut weight = 1.0;
        for busy in (1..=self.agents).rev() {
            weight *= f64::from(busy) / load;
            idle += weight;
        }
        let (mut busy, mut queue) = (1.0, 0.0);
        let rate = agents / self.talk;
        let giving_up = self.patience.map_or(0.0, f64::recip);
        if giving_up == 0.0 {
            let share = self.arrivals / rate;
            let (busy, queue) = match share < 1.0 {
                true => ((1.0 - share).recip(), share / (1.0 - share).powi(2)),
                false => (f64::INFINITY, f64::INFINITY),
            };
            return Weights { idle, busy, queue };
        }
        let (mut weight, mut waiting) = (1.0_f64, 0.0_f64);
        while weight > NEGLIGIBLE * (busy + idle) || self.arrivals > waiting.mul_add(giving_up, rate) {
            waiting += 1.0;
            weight *= self.arrivals / waiting.mul_add(giving_up, rate);
            busy += weight;
            queue += waiting * weight;
        }
        Weights { idle, busy, queue }
    }
}

/// Sums over the states, each by its weight.
struct Weights {
    /// Those in which an agent is free.
    idle: f64,
    /// Those in which none is.
    busy: f64,
    /// The latter, times those who wait.
    queue: f64,
}

impl Weights {
    const fn is_finite(&self) -> bool {
        self.busy.is_finite() && self.idle.is_finite()
    }
}

/// The integral of `of` from 0 to `end`.
fn simpson(of: impl Fn(f64) -> f64, end: f64) -> f64 {
    let step = end / f64::from(PARTS);
    let weight = |part: u32| match part {
        0 | PARTS => 1.0,
        odd if odd % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=PARTS).map(|part| weight(part) * of(f64::from(part) * step)).sum::<f64>() * step / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(found: f64, known: f64, by: f64) {
        assert!((found - known).abs() <= by, "{found}, not {known}");
    }

    #[test]
    fn erlang_b_is_as_the_tables_have_it() {
        // The load at which so many trunks lose 1 % (5 %) of all calls, from the tables in any textbook of telephony.
        for (load, trunks, lost) in
            [(4.461, 10, 0.01), (12.03, 20, 0.01), (84.06, 100, 0.01), (2.218, 5, 0.05), (5.876, 12, 0.01)]
        {
            is_near(erlang_b(load, trunks), lost, lost * 0.003);
        }
        is_near(erlang_b(1.0, 1), 0.5, 1e-12);
    }

    #[test]
    fn erlang_c_is_as_known() {
        // By hand: one server: the load itself; M/M/2 with half a load: 1/3; M/M/3 with two thirds: 4/9.
        is_near(erlang_c(0.7, 1), 0.7, 1e-12);
        is_near(erlang_c(1.0, 2), 1.0 / 3.0, 1e-12);
        is_near(erlang_c(2.0, 3), 4.0 / 9.0, 1e-12);
        is_near(erlang_c(5.0, 5), 1.0, 0.0);
        // A much used example: 0.2 calls a second of 240 s for 55 agents: 23.9 % wait, 8.2 s on average, 84.6 % within 15 s.
        let model = Model { arrivals: 0.2, talk: 240.0, agents: 55, patience: None };
        let found = model.predict();
        is_near(found.waits, 0.239, 0.0005);
        is_near(found.waits, erlang_c(48.0, 55), 1e-12);
        is_near(found.mean_wait, 8.2, 0.05);
        is_near(model.answered_within(15.0), 0.846, 0.001);
        is_near(model.answered_within(0.0), 1.0 - found.waits, 1e-12);
        is_near(model.answered_within(10_000.0), 1.0, 1e-6);
    }

    #[test]
    fn erlang_a_is_as_known() {
        // O. Garnett, A. Mandelbaum, M. Reiman (2002), table 1: 48 calls a minute of a minute each, 50 agents, patience of two
        // minutes: 3.1 % give up, 3.7 s of wait, 3 in the queue, 93 % occupied; without giving up 20.8 s, 17 and 96 %.
        let impatient = Model { arrivals: 0.8, talk: 60.0, agents: 50, patience: Some(120.0) };
        let found = impatient.predict();
        is_near(found.abandons, 0.031, 0.0005);
        is_near(found.mean_wait, 3.7, 0.05);
        is_near(found.queue, 3.0, 0.05);
        is_near(found.occupancy, 0.93, 0.005);
        let patient = Model { patience: None, ..impatient }.predict();
        is_near(patient.mean_wait, 20.8, 0.05);
        is_near(patient.queue, 17.0, 0.5);
        is_near(patient.occupancy, 0.96, 1e-9);
        // Patience as long as talk: as many calls as with agents without end, so Poisson: P(N ≥ 2) at load 1 is 1 - 2/e.
        let even = Model { arrivals: 1.0, talk: 1.0, agents: 2, patience: Some(1.0) };
        is_near(even.predict().waits, 1.0 - 2.0 / 1.0_f64.exp(), 1e-12);
        // In the end everybody has been answered or has given up.
        is_near(even.answered_within(50.0), 1.0 - even.predict().abandons, 1e-6);
        is_near(impatient.answered_within(500.0), 1.0 - found.abandons, 1e-6);
        // No patience: Erlang B; endless patience: Erlang C.
        let model = Model { arrivals: 8.0, talk: 1.0, agents: 10, patience: Some(1e-9) };
        is_near(model.predict().abandons, erlang_b(8.0, 10), 1e-6);
        let model = Model { patience: Some(1e9), ..model };
        is_near(model.predict().waits, erlang_c(8.0, 10), 1e-6);
        // More load than agents is no matter where callers give up.
        let flooded = Model { arrivals: 30.0, talk: 1.0, agents: 10, patience: Some(1.0) };
        is_near(flooded.predict().abandons, 2.0 / 3.0, 0.001);
        assert_eq!(Model { patience: None, ..flooded }.predict().mean_wait, f64::INFINITY);
        is_near(Model { patience: None, ..flooded }.answered_within(10.0), 0.0, 0.0);
    }
}
