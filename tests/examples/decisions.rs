//! What the decisions of queues cost: the real ACD with its strategies on a virtual clock, without phones.
//!
//! `decisions [--agents 10000] [--queues 200] [--skills 50] [--waiting 5000] [--steps 50000]`
//!
//! Each agent serves four queues and has five skills; the queues use the strategies in turn; half of the callers need a skill
//! or two. One half of the queues has more callers than agents: there a call ends and its agent gets the next one (call
//! surplus). The other half has more agents than callers: there a caller comes and an agent is chosen (agent surplus), or all
//! are rung, 32 at most. Who is rung answers at once. Prints one JSON object: for each, the CPU microseconds from what
//! happened until the phone has answered; and, beside it, of a scan that looks at every agent.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    reason = "a program: it owns its clock, and looks into lists of its own making"
)]

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use acd::{Acd, AgentConfig, AgentName, Caller, Event, Member, QueueConfig, QueueName};
use base::{CallId, IdGen, Mono, Now, Rng, Wall};
use routing::{Builtin, Levels, Method, SkillName, Strategy as _};
use rustix::time::{ClockId, clock_gettime};

const QUEUES_OF_AN_AGENT: u32 = 4;
const SKILLS_OF_AN_AGENT: u32 = 5;
/// How long a call takes an agent, with the time after it: for what a centre of so many seats costs.
const HANDLED: f64 = 300.0;

/// A half of the centre.
#[derive(Default)]
struct Half {
    queues: Vec<QueueName>,
    /// Who serves each queue.
    members: HashMap<QueueName, Vec<usize>>,
    talks: Vec<(CallId, AgentName)>,
}

struct Centre {
    acd: Acd,
    now: Now,
    rng: Rng,
    skills: Vec<Levels>,
    calls: u64,
    /// What was answered since it was asked last.
    answered: Vec<(CallId, AgentName)>,
    decisions: u64,
    candidates: u64,
    /// The last decision rang more than one.
    rings_all: bool,
}

/// What a scan knows of an agent.
struct Plain {
    idle_since: u64,
    queues: Vec<QueueName>,
    skills: Levels,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (mut agents, mut queues, mut skills, mut waiting, mut steps) = (10_000_u32, 200_u32, 50_u32, 5_000_u64, 50_000);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--agents" => agents = value.parse()?,
            "--queues" => queues = value.parse()?,
            "--skills" => skills = value.parse()?,
            "--waiting" => waiting = value.parse()?,
            "--steps" => steps = value.parse()?,
            _ => return Err(format!("there is no {word}").into()),
        }
    }
    if agents < 2 || queues < 2 || skills == 0 {
        return Err("two agents, two queues and one skill are the least".into());
    }
    let (mut centre, [mut short, mut ample], plain) = Centre::new(agents, queues, skills);
    let begin = cpu();
    // The calls that wait, and those of the agents who talk.
    let busy = u64::from(agents / 2) + waiting;
    for _ in 0..busy {
        let queue = centre.pick(&short.queues);
        centre.join(&short, &queue);
        short.talks.append(&mut centre.answered);
    }
    for _ in 0..agents / 4 {
        let queue = centre.pick(&ample.queues);
        centre.join(&ample, &queue);
        ample.talks.append(&mut centre.answered);
    }
    let (mut of_calls, mut of_agents, mut of_all) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..2 * steps {
        // The first half warms up: each queue comes to know the skills that its callers need.
        if step == steps {
            (of_calls, of_agents, of_all) = (Vec::new(), Vec::new(), Vec::new());
        }
        let queue = centre.pick(&short.queues);
        centre.join(&short, &queue);
        of_calls.push(centre.hang_up(&mut short.talks));
        short.talks.append(&mut centre.answered);
        let queue = centre.pick(&ample.queues);
        let took = centre.join(&ample, &queue);
        if centre.rings_all {
            of_all.push(took)
        } else {
            of_agents.push(took)
        }
        ample.talks.append(&mut centre.answered);
        centre.hang_up(&mut ample.talks);
        ample.talks.append(&mut centre.answered);
    }
    let all = cpu() - begin;
    centre.acd.check_invariants(centre.now)?;
    let handled = busy + u64::from(agents / 4) + 4 * steps;
    let per_call = all.as_secs_f64() / handled as f64;
    let scans: Vec<Duration> = (0..200).map(|_| centre.scan(&plain, &ample)).collect();
    let report = serde_json::json!({
        "agents": agents, "queues": queues, "skills": skills,
        "waiting": short.queues.iter().filter_map(|queue| centre.acd.queue_length(queue)).sum::<usize>(),
        "call_surplus_us": percentiles(of_calls), "agent_surplus_us": percentiles(of_agents),
        "ring_all_us": percentiles(of_all), "scan_us": percentiles(scans),
        "decisions": centre.decisions, "candidates_mean": centre.candidates as f64 / centre.decisions.max(1) as f64,
        "share_of_a_core": per_call * f64::from(agents) / HANDLED,
    });
    println!("{report}");
    Ok(())
}

/// The processor time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn percentiles(mut times: Vec<Duration>) -> serde_json::Value {
    times.sort_unstable();
    let at = |percent: f64| {
        let place = (times.len().saturating_sub(1) as f64 * percent / 100.0) as usize;
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    serde_json::json!({ "p50": at(50.0), "p99": at(99.0), "p99.9": at(99.9) })
}

impl Centre {
    fn new(agents: u32, queues: u32, skills: u32) -> (Self, [Half; 2], Vec<Plain>) {
        let mut rng = Rng::from_number(1);
        let now = Now { monotonic: Mono::from_nanos(1), wall: Wall::from_unix_micros(1_795_253_400_000_000) };
        let mut halves = [Half::default(), Half::default()];
        let mut configs: Vec<QueueConfig> = (0..queues).map(queue).collect();
        for (number, config) in configs.iter().enumerate() {
            halves[number % 2].queues.push(config.name.clone());
        }
        let (mut plain, mut known) = (Vec::new(), Vec::new());
        for agent in 0..agents {
            let name = AgentName::from(format!("agent{agent}"));
            let mut his = Vec::new();
            for _ in 0..QUEUES_OF_AN_AGENT {
                // Of his half of the queues: those with an even number, or those with an odd one.
                let place = (rng.below(queues / 2) * 2 + agent % 2) as usize;
                let Some(config) = configs.get_mut(place).filter(|config| !his.contains(&config.name)) else {
                    continue;
                };
                config
                    .agents
                    .push(Member { level: 1 + u8::try_from(rng.below(2)).unwrap_or(0), ..Member::new(name.clone()) });
                halves[place % 2].members.entry(config.name.clone()).or_default().push(agent as usize);
                his.push(config.name.clone());
            }
            let has = (0..SKILLS_OF_AN_AGENT)
                .map(|_| (skill(rng.below(skills)), u8::try_from(1 + rng.below(100)).unwrap_or(1)));
            let levels = Levels::new(has.collect::<Vec<_>>());
            plain.push(Plain { idle_since: u64::from(rng.u32()), queues: his, skills: levels.clone() });
            known.push(levels);
        }
        let agents = known.iter().enumerate();
        let agents =
            agents.map(|(n, skills)| AgentConfig { skills: skills.clone(), ..AgentConfig::new(format!("agent{n}")) });
        let acd = Acd::new(now, IdGen::new(0, now.wall), configs, agents.collect());
        let centre = Self {
            acd,
            now,
            rng,
            skills: known,
            calls: 0,
            answered: Vec::new(),
            decisions: 0,
            candidates: 0,
            rings_all: false,
        };
        (centre, halves, plain)
    }

    fn pick(&mut self, queues: &[QueueName]) -> QueueName {
        queues[self.rng.below(u32::try_from(queues.len()).unwrap_or(1)) as usize].clone()
    }

    /// What a caller needs: nothing, or what somebody of his queue has.
    fn needs(&mut self, half: &Half, queue: &QueueName) -> Levels {
        let how_many = [0, 0, 1, 2][self.rng.below(4) as usize];
        let Some(members) = half.members.get(queue) else { return Levels::default() };
        let one = members[self.rng.below(u32::try_from(members.len()).unwrap_or(1)) as usize];
        let has = self.skills[one].iter().take(how_many).map(|(skill, level)| (skill.clone(), level / 2));
        Levels::new(has.collect::<Vec<_>>())
    }

    /// A caller joins; what that took.
    fn join(&mut self, half: &Half, queue: &QueueName) -> Duration {
        let caller = Caller { needs: self.needs(half, queue), ..Caller::default() };
        self.calls += 1;
        let call = CallId::from_raw(self.calls);
        self.now = self.now.after(Duration::from_millis(1));
        let begin = cpu();
        // A queue that chance has given nobody takes no calls.
        if self.acd.join(self.now, call, queue, caller).is_ok() {
            self.settle();
        }
        cpu() - begin
    }

    /// One of the talks ends; what that took.
    fn hang_up(&mut self, talks: &mut Vec<(CallId, AgentName)>) -> Duration {
        if talks.is_empty() {
            return Duration::ZERO;
        }
        let place = self.rng.below(u32::try_from(talks.len()).unwrap_or(1)) as usize;
        let (_, agent) = talks.swap_remove(place);
        self.now = self.now.after(Duration::from_millis(1));
        let begin = cpu();
        self.acd.agent_released(self.now, &agent);
        self.settle();
        cpu() - begin
    }

    /// Decisions are made, and phones answer.
    fn settle(&mut self) {
        while let Some(event) = self.acd.poll_event() {
            match event {
                Event::DecisionNeeded { id, method, snapshot, .. } => {
                    self.decisions += 1;
                    self.candidates += snapshot.candidates().len() as u64;
                    self.rings_all = method.strategy == Builtin::RingAll;
                    let decision = method.decide(&snapshot);
                    self.acd.handle_decision(self.now, id, &decision);
                }
                Event::Offer(offer) => {
                    // Of those who are rung together only the first one is in time.
                    if let Ok(connected) = self.acd.offer_answered(self.now, offer.id) {
                        self.answered.push((connected.call, connected.agent));
                    }
                }
                _ => {}
            }
        }
    }

    /// What it takes to find the agent who is idle for longest by looking at all.
    fn scan(&mut self, agents: &[Plain], half: &Half) -> Duration {
        let queue = self.pick(&half.queues);
        let needs = self.needs(half, &queue);
        let begin = cpu();
        let fits = |agent: &&Plain| agent.queues.contains(&queue) && agent.skills.meet(&needs);
        let best = agents.iter().filter(fits).min_by_key(|agent| agent.idle_since);
        std::hint::black_box(best);
        cpu() - begin
    }
}

fn skill(number: u32) -> SkillName {
    format!("skill{number}").as_str().into()
}

fn queue(number: u32) -> QueueConfig {
    let strategy = Builtin::ALL[number as usize / 2 % Builtin::ALL.len()];
    let method = Method { strategy, patience_ms: (number % 8 < 2).then_some(20_000) };
    QueueConfig { method, wrap_up: Duration::ZERO, ..QueueConfig::new(format!("queue{number}"), Vec::new()) }
}
