//! `strowger plugin replay`: what a plugin would have decided on a recorded day, and what would have come of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ::plugins::{Decide, Fault};
use acd::Binding;
use clap::Args;
use company::Company;
use journal::kpi::{Figures, KpiFold, Targets};
use journal::{Decided, Event, Kind, PluginLearnt};
use routing::{Action, Decision, PluginName};
use serde_json::{Value, json};
use sim::{Beside, Centre, Recorded};
use switch::Config;

use super::loaded::{LONGEST, Loaded, Means, is_url, json};
use crate::error::Error;
use crate::folder::read_company;
use crate::operate::{print, shown};
use crate::plugins::Played;
use crate::tls::Vault;

/// Decisions that are shown which came out differently.
const SHOWN: usize = 20;
/// The seed of what cannot be known of a recorded day.
const SEED: u64 = 1;

/// `strowger plugin replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The component, the URL of a service, or with --config the name of a plugin there
    #[arg(value_name = "FILE|URL|NAME")]
    plugin: String,
    /// The name under which it is asked; if that decided then, it goes by the same states, else by its own [default: the file's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Journals, in their order: files of the folder `journal` of the data folder
    #[arg(long, required = true, num_args = 1.., value_name = "FILE.jsonl")]
    journal: Vec<PathBuf>,
    /// Only what this queue decided
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// What the plugin goes by, as JSON, in the place of what was written then
    #[arg(long, value_name = "JSON", value_parser = json)]
    parameters: Option<Value>,
    /// Plays the recorded calls again in the company of this folder, once as its queues' strategies decide and once as the plugin does
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// Prints a JSON object a decision that came out differently, and one with the counts and figures
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    means: Means,
}

/// Asks the plugin what was asked then, and says what is different. Exit code 1: a decision failed.
///
/// # Errors
/// If a file cannot be read, the plugin is none, or nothing is recorded.
pub(super) fn replay(request: &Replay) -> Result<ExitCode, Error> {
    let name = name(request)?;
    // What is decided must not hang on how busy the machine is.
    let loaded = Loaded::new(&request.plugin, &request.means, Some(LONGEST), request.config.as_deref())?;
    if let Some(parameters) = &request.parameters {
        loaded.fits(parameters)?;
    }
    let company = request.config.as_deref().map(read_company).transpose()?;
    let mut day = Day::new(company.as_ref().map(|company| company.switch.targets()).unwrap_or_default());
    let mut again = Again::new(request, &name, &loaded);
    for path in &request.journal {
        let file_error = |source| Error::File { path: path.clone(), source };
        let mut lines = BufReader::with_capacity(1 << 18, File::open(path).map_err(file_error)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(file_error)? > 0 {
            // Torn lines, and those of another version, are passed over.
            if let Ok(event) = serde_json::from_slice::<Event>(&line) {
                match &event.kind {
                    Kind::Decided(decided) => again.decide(decided)?,
                    Kind::PluginLearnt(learnt) => again.learn(learnt)?,
                    _ => {}
                }
                if company.is_some() {
                    day.feed(&event);
                }
            }
            line.clear();
        }
    }
    if again.counts.all() == 0 {
        return Err(Error::NothingRecorded { queue: request.queue.clone() });
    }
    again.tell();
    if let Some(company) = company {
        day.play(company, request, &name, &loaded)?;
    }
    Ok(if again.counts.failed + again.counts.told_failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// How decisions came out.
#[derive(Default)]
struct Counts {
    /// To the last octet.
    same: u64,
    /// The same is done, for another reason, with other scores or another state.
    same_deed: u64,
    other: u64,
    failed: u64,
    /// How often it was told of outcomes by which it learnt something then.
    told: u64,
    /// Of these, how often its state came out the same to the last octet.
    told_same: u64,
    told_failed: u64,
}

impl Counts {
    const fn all(&self) -> u64 {
        self.same + self.same_deed + self.other + self.failed
    }
}

/// The plugin, asked again.
struct Again<'a> {
    request: &'a Replay,
    name: &'a str,
    loaded: &'a Loaded,
    /// By queue, each with what it goes by: those that are asked are kept apart in the switch, too.
    plugins: BTreeMap<String, (String, Box<dyn Decide>)>,
    /// By queue, if they are not those of then.
    states: BTreeMap<String, String>,
    counts: Counts,
    /// Those that are different, as lines.
    told: Vec<String>,
}

impl<'a> Again<'a> {
    fn new(request: &'a Replay, name: &'a str, loaded: &'a Loaded) -> Self {
        let (states, counts, told) = (BTreeMap::new(), Counts::default(), Vec::new());
        Self { request, name, loaded, plugins: BTreeMap::new(), states, counts, told }
    }

    fn decide(&mut self, then: &Decided) -> Result<(), Error> {
        if self.leaves_out(&then.queue) {
            return Ok(());
        }
        let mut snapshot = (*then.snapshot).clone();
        let own = self.is_own(&then.strategy);
        if !own {
            snapshot.state = self.states.get(&*then.queue).cloned();
        }
        let parameters = self.parameters(then.parameters.as_deref().filter(|_| own));
        let now = self.plugin(&then.queue, &parameters)?.decide(&snapshot, &parameters);
        if let Ok(Decision { state: Some(state), .. }) = &now {
            self.states.insert(then.queue.to_string(), state.clone());
        }
        let text = |decision: &Decision| serde_json::to_string(decision).unwrap_or_default();
        match &now {
            Ok(now) if text(now) == text(&then.decision) => self.counts.same += 1,
            Ok(now) if now.action == then.decision.action => self.counts.same_deed += 1,
            Ok(now) => {
                self.counts.other += 1;
                self.note(then, Ok(now));
            }
            Err(fault) => {
                self.counts.failed += 1;
                self.note(then, Err(fault));
            }
        }
        Ok(())
    }

    /// Tells it what the plugin of then was told, and learnt something from.
    fn learn(&mut self, then: &PluginLearnt) -> Result<(), Error> {
        if self.leaves_out(&then.queue) {
            return Ok(());
        }
        let own = self.is_own(&then.plugin);
        let before = if own { then.before.clone() } else { self.states.get(&*then.queue).cloned() };
        let parameters = self.parameters(Some(&*then.parameters).filter(|_| own));
        let learnt = self.plugin(&then.queue, &parameters)?.told(&then.outcomes, before.as_deref(), &parameters);
        self.counts.told += 1;
        match learnt {
            Ok(Some(state)) => {
                self.counts.told_same += u64::from(own && state == then.state);
                self.states.insert(then.queue.to_string(), state);
            }
            Ok(None) => {}
            Err(_) => self.counts.told_failed += 1,
        }
        Ok(())
    }

    fn leaves_out(&self, queue: &str) -> bool {
        self.request.queue.as_deref().is_some_and(|wanted| wanted != queue)
    }

    /// True if it decided then: it goes by the same states and parameters.
    fn is_own(&self, plugin: &str) -> bool {
        plugin == self.name && self.request.parameters.is_none()
    }

    fn parameters(&self, then: Option<&str>) -> String {
        let given = self.request.parameters.as_ref().map(Value::to_string);
        given.unwrap_or_else(|| then.unwrap_or("{}").to_owned())
    }

    fn plugin(&mut self, queue: &str, parameters: &str) -> Result<&mut dyn Decide, Error> {
        let known = self.plugins.remove(queue).filter(|(its, _)| its == parameters);
        let known = match known {
            Some(known) => known,
            None => (parameters.to_owned(), self.loaded.decider(parameters)?),
        };
        let (_, plugin) = self.plugins.entry(queue.to_owned()).or_insert(known);
        Ok(&mut **plugin)
    }

    fn note(&mut self, then: &Decided, now: Result<&Decision, &Fault>) {
        let call = then.snapshot.calls().first().map(|call| call.id.to_string()).unwrap_or_default();
        let at = then.snapshot.at.to_string();
        if self.request.json {
            let would =
                now.map_or_else(|fault| json!({ "failed": fault.name(), "text": fault.to_string() }), |now| json!(now));
            let line = json!({ "at": at, "queue": then.queue, "call": call, "decided": then.decision, "would": would });
            print(&format!("{line}\n"));
        } else if self.told.len() < SHOWN {
            let now = now.map_or_else(|fault| format!("failed: {fault}"), words);
            self.told.push(format!("{at}  {call}  {:<32}  {}\n", words(&then.decision), shown(&now)));
        }
    }

    fn tell(&self) {
        let Counts { same, same_deed, other, failed, told, told_same, told_failed } = self.counts;
        let all = self.counts.all();
        if self.request.json {
            let counts = json!({
                "decisions": all, "same": same, "same_deed": same_deed, "other": other, "failed": failed,
                "told": told, "told_same": told_same, "told_failed": told_failed,
            });
            return print(&format!("{counts}\n"));
        }
        print(&format!(
            "{all} decisions: {same} the same to the last octet, {same_deed} with the same deed for another reason, {other} others, {failed} failed\n"
        ));
        if told > 0 {
            print(&format!(
                "{told} times told of outcomes: {told_same} times the same learnt to the last octet, {told_failed} failed\n"
            ));
        }
        if !self.told.is_empty() {
            let more = usize::try_from(other + failed).unwrap_or(usize::MAX) - self.told.len();
            let more = if more > 0 { format!("and {more} more\n") } else { String::new() };
            print(&format!("\n{:<27}  {:<14}  {:<32}  WOULD\n{}{more}", "AT", "CALL", "DECIDED", self.told.concat()));
        }
    }
}

/// The name by which a plugin is bound: that of its file, unless another is said.
fn name(request: &Replay) -> Result<String, Error> {
    let of_file = || match Path::new(&request.plugin).file_stem() {
        Some(stem) if !is_url(&request.plugin) => Ok(stem.to_string_lossy().into_owned()),
        _ => Err(Error::Option(format!(
            "a URL does not say under which name {} decides; say it with --name, as `plugins` in queues.yaml has it",
            request.plugin
        ))),
    };
    request.name.clone().map_or_else(of_file, Ok)
}

/// What a decision does.
fn words(decision: &Decision) -> String {
    let names = |rings: &[routing::Ring]| rings.iter().map(|ring| ring.agent.as_str()).collect::<Vec<_>>().join(" ");
    match &decision.action {
        Action::Offer { agent, .. } => format!("offer {agent}"),
        Action::OfferAll { agents, .. } => format!("offer all of {}", names(agents)),
        Action::OfferInTurn { agents, .. } => format!("offer in turn {}", names(agents)),
        Action::Wait { .. } => "wait".to_owned(),
        Action::Widen { .. } => "widen".to_owned(),
        Action::Prioritise { priority, .. } => format!("priority {priority}"),
        Action::Overflow { to, .. } => format!("overflow to {to:?}"),
        Action::Refuse { .. } => "refuse".to_owned(),
    }
}

/// The recorded day as such.
struct Day {
    recorded: Recorded,
    fold: KpiFold,
    queues: BTreeMap<String, Figures>,
}

impl Day {
    fn new(targets: Targets) -> Self {
        Self { recorded: Recorded::default(), fold: KpiFold::new(targets), queues: BTreeMap::new() }
    }

    fn feed(&mut self, event: &Event) {
        self.recorded.feed(event);
        let queues = &mut self.queues;
        self.fold.feed(event, &mut |credit| {
            if let Some(queue) = credit.queue {
                queues.entry(queue.to_string()).or_default().add(&credit.figures);
            }
        });
    }

    /// Plays it without the plugin and with it, and tells the figures of all three.
    fn play(self, company: Company, request: &Replay, name: &str, loaded: &Loaded) -> Result<(), Error> {
        let asks =
            |queue: &&mut acd::QueueConfig| request.queue.as_deref().is_none_or(|wanted| wanted == queue.name.as_str());
        let mut config: Config = company.switch;
        let Some(load) = self.recorded.load(&mut config, SEED) else {
            return Err(Error::NothingRecorded { queue: request.queue.clone() });
        };
        let without = Centre::play(load.clone(), config.clone());
        let plugin = PluginName::from(name);
        for queue in config.queues.iter_mut().filter(asks) {
            // As the queue asks it, if it does.
            let known = queue.plugin.as_deref().filter(|known| known.plugin == plugin).cloned();
            let mut binding = known.unwrap_or_else(|| Binding::new(plugin.clone(), loaded.description.order));
            if let Some(parameters) = &request.parameters {
                binding.parameters = parameters.to_string().into();
            }
            queue.plugin = Some(Arc::new(binding));
        }
        config.plugins.entry(plugin.clone()).or_default();
        let folder = request.config.clone().unwrap_or_default();
        let others = Played::of(&config, &company.plugins, &Vault { folder })?;
        let asked = config.queues.iter().filter_map(|queue| Some((queue.name.clone(), queue.plugin.as_ref()?)));
        let asked = asked.filter(|(_, binding)| binding.plugin == plugin);
        let deciders = asked.map(|(queue, binding)| Ok((queue, loaded.decider(&binding.parameters)?)));
        let deciders = deciders.collect::<Result<Vec<_>, Error>>()?;
        let played = others.unwrap_or_default().with(deciders.into_iter());
        let with = Centre::play_beside(load, config, Beside { plugins: Some(Box::new(played)), ..Beside::default() });
        let columns = [("recorded", &self.queues), ("strategy", &without.tally.queues), ("plugin", &with.tally.queues)];
        print(&if request.json { figures(&columns) } else { table(&columns) });
        Ok(())
    }
}

type Columns<'a> = [(&'static str, &'a BTreeMap<String, Figures>); 3];

fn figures(columns: &Columns<'_>) -> String {
    let of = |queues: &BTreeMap<String, Figures>| {
        queues.iter().map(|(name, figures)| (name.clone(), json!(figures.kpis()))).collect::<BTreeMap<_, _>>()
    };
    let [recorded, strategy, plugin] = columns.map(|(_, queues)| of(queues));
    format!("{}\n", json!({ "recorded": recorded, "strategy": strategy, "plugin": plugin }))
}

/// A line for each queue and how it was decided.
fn table(columns: &Columns<'_>) -> String {
    let mut text = format!(
        "\n{:<20} {:<9} {:>8} {:>9} {:>7} {:>6} {:>7} {:>7}\n",
        "QUEUE", "DECIDED", "OFFERED", "ANSWERED", "ABAND.", "SL", "ASA", "LONGEST"
    );
    let seconds = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}s"));
    let [(_, first), ..] = columns;
    for queue in first.keys() {
        for (by, queues) in columns {
            let Some(figures) = queues.get(queue) else { continue };
            let share =
                figures.service_level().map_or_else(|| "-".to_owned(), |share| format!("{:.0}%", share * 100.0));
            text += &format!(
                "{:<20} {by:<9} {:>8} {:>9} {:>7} {share:>6} {:>7} {:>7}\n",
                shown(queue),
                figures.offered,
                figures.answered,
                figures.abandoned,
                seconds(figures.speed_of_answer()),
                format!("{}s", figures.longest_wait_ms / 1_000),
            );
        }
    }
    text
}
