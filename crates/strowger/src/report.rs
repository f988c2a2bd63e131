//! `strowger report`: figures of a span, from the journal on disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base::{Day, Wall};
use clap::{Args, ValueEnum};
use company::Company;
use hours::Zone;
use journal::kpi::{Credit, Figures, KpiFold, Kpis, Targets, VERSION};
use serde::Serialize;

use crate::cli::operate::At;
use crate::clock::Clock;
use crate::error::Error;
use crate::folder::read_company;
use crate::operate::{connect, print, shown, to_json};

/// A day has 25 hours at most.
const DAY: Duration = Duration::from_secs(25 * 3_600);

/// `strowger report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// From when on: a date, or a time such as 2026-12-24T10:00, in `zone` of strowger.yaml [default: today's begin]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// A line for each of these
    #[arg(long, value_enum, default_value = "queue")]
    pub by: By,
    /// Prints a JSON object a line, with all figures
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Prints comma-separated values with a head, all figures
    #[arg(long)]
    pub csv: bool,
    #[command(flatten)]
    pub at: At,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// A queue
    Queue,
    /// An agent
    Agent,
    /// An hour of the span, all queues together
    Hour,
    /// A day of the span, all queues together
    Day,
}

/// A line of a report.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// The version of the definitions.
    definitions: u16,
    by: &'static str,
    key: &'a str,
    #[serde(flatten)]
    kpis: Kpis,
    /// Seconds on breaks, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    breaks: BTreeMap<&'a str, f64>,
}

/// The sums of a span.
#[derive(Default)]
struct Sums {
    /// By what each line is about.
    lines: BTreeMap<String, Figures>,
    /// The time of agents, by name.
    agents: BTreeMap<String, Figures>,
    /// Milliseconds on breaks, by line and reason.
    breaks: BTreeMap<String, BTreeMap<String, u64>>,
    /// Everything together, no agent twice.
    all: Figures,
}

impl Sums {
    fn add(&mut self, key: Option<String>, credit: &Credit<'_>) {
        self.all.add(&credit.figures);
        if let (None, Some(agent)) = (credit.queue, credit.agent) {
            self.agents.entry(agent.to_string()).or_default().add(&credit.figures);
        }
        let Some(key) = key else { return };
        if let Some(reason) = credit.break_reason {
            let breaks = self.breaks.entry(key.clone()).or_default();
            *breaks.entry(reason.to_string()).or_default() += credit.figures.break_ms;
        }
        self.lines.entry(key).or_default().add(&credit.figures);
    }

    /// Puts the time of agents down to the queues that they serve.
    fn staff<'a>(&mut self, queue: &str, agents: impl Iterator<Item = &'a str>) {
        let Some(line) = self.lines.get_mut(queue) else { return };
        agents.filter_map(|agent| self.agents.get(agent)).for_each(|figures| line.add(figures));
    }
}

/// Prints the figures of a span.
///
/// # Errors
/// As [`read_company`]; if a time is none, or the journal cannot be read.
pub(crate) fn report(request: &Report) -> Result<(), Error> {
    let Company { system, switch, .. } = read_company(&request.at.config)?;
    let zone = switch.flows.zone();
    let now = Clock::start().now().wall;
    let span = span(request, zone, now)?;
    let mut sums = read(&system.data_folder(&request.at.config), span, request, switch.targets(), zone)?;
    if request.by == By::Queue {
        for queue in &switch.queues {
            sums.staff(queue.name.as_str(), queue.agents.iter().map(|member| member.agent.as_str()));
        }
    }
    print(&match (request.json, request.csv) {
        (true, _) => lines(&sums, request.by).map(|line| to_json(&line)).collect(),
        (_, true) => csv(&sums, request.by),
        _ => table(&sums, request.by),
    });
    Ok(())
}

/// From when until when is asked for; of what is to come there are no figures, though agents are there.
fn span(request: &Report, zone: &Zone, now: Wall) -> Result<(Wall, Wall), Error> {
    let time = |text: &String| zone.at(text).ok_or_else(|| Error::NoTime { text: text.clone() });
    let from = request.from.as_ref().map_or_else(|| Ok(zone.day_of(now)), time)?;
    let to = request.to.as_ref().map_or(Ok(now), time)?;
    Ok((from, to.min(now)))
}

fn read(data: &Path, (from, to): (Wall, Wall), request: &Report, targets: Targets, zone: &Zone) -> Result<Sums, Error> {
    let mut sums = Sums::default();
    let (mut fold, mut last) = (KpiFold::new(targets), from);
    let mut keys = Keys { by: request.by, zone, last: None };
    let mut add = |credit: Credit<'_>| {
        if (from..to).contains(&credit.at) {
            sums.add(keys.of(&credit), &credit);
        }
    };
    // Who is an agent from when on is told in the day before, and how calls end that joined last, in the day behind.
    let days = Day::of(from).before()..=Day::of(to + DAY);
    let wanted = |head: storage::Head<'_>| KpiFold::wants(head.event);
    let read = storage::read_journal(data, days, u64::MAX, wanted, |event| {
        last = event.at;
        fold.feed(&event, &mut add);
    });
    read.map_err(|source| Error::File { path: data.join("journal"), source })?;
    // A switch that runs has agents at work though it has nothing to tell; one that died has none.
    let until = if connect(&request.at.config).is_ok() { to } else { last.min(to) };
    fold.advance(until, &mut add);
    Ok(sums)
}

/// Which line a credit belongs to.
struct Keys<'a> {
    by: By,
    zone: &'a Zone,
    /// The last quarter of an hour that was asked for: most ask for the same.
    last: Option<(i64, String)>,
}

impl Keys<'_> {
    fn of(&mut self, credit: &Credit<'_>) -> Option<String> {
        let length = match self.by {
            By::Queue => return credit.queue.map(ToString::to_string),
            By::Agent => return credit.agent.map(ToString::to_string),
            By::Hour => 13,
            By::Day => 10,
        };
        let quarter = credit.at.as_unix_micros().div_euclid(900_000_000);
        if self.last.as_ref().is_none_or(|(last, _)| *last != quarter) {
            let time = self.zone.clock(credit.at).rfc3339();
            let (date, offset) = (time.get(..length).unwrap_or_default(), time.get(19..).unwrap_or_default());
            // An hour that the clock shows twice is two.
            let key = if self.by == By::Hour { format!("{date}:00{offset}") } else { date.to_owned() };
            self.last = Some((quarter, key));
        }
        self.last.as_ref().map(|(_, key)| key.clone())
    }
}

fn lines(sums: &Sums, by: By) -> impl Iterator<Item = Line<'_>> {
    sums.lines.iter().map(move |(key, figures)| {
        let breaks = sums.breaks.get(key).into_iter().flatten();
        let breaks = breaks.map(|(reason, ms)| (&**reason, Duration::from_millis(*ms).as_secs_f64())).collect();
        Line { definitions: VERSION, by: word(by), key, kpis: figures.kpis(), breaks }
    })
}

const fn word(by: By) -> &'static str {
    match by {
        By::Queue => "queue",
        By::Agent => "agent",
        By::Hour => "hour",
        By::Day => "day",
    }
}

fn csv(sums: &Sums, by: By) -> String {
    let columns = |kpis: &Kpis| match serde_json::to_value(kpis) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let head: Vec<String> = columns(&Kpis::default()).into_iter().map(|(name, _)| name).collect();
    let mut text = format!("{},{}\r\n", word(by), head.join(","));
    for (key, figures) in &sums.lines {
        let values = columns(&figures.kpis()).into_iter().map(|(_, value)| match value {
            serde_json::Value::Null => String::new(),
            value => value.to_string(),
        });
        text += &format!("{key},{}\r\n", values.collect::<Vec<_>>().join(","));
    }
    text
}

fn table(sums: &Sums, by: By) -> String {
    let mut text = row(&word(by).to_uppercase(), HEAD.map(str::to_owned));
    for (key, figures) in &sums.lines {
        text += &row(&shown(key), cells(&figures.kpis()));
    }
    text + &row("all", cells(&sums.all.kpis()))
}

/// The columns of [`cells`].
const HEAD: [&str; 12] = [
    "OFFERED",
    "ANSWERED",
    "ABANDONED",
    "SHORT",
    "OTHERS",
    "CALLBACKS",
    "SL",
    "SL-OFFERED",
    "ASA",
    "AHT",
    "LONGEST",
    "OCCUPANCY",
];

/// The figures that a table has room for.
fn cells(kpis: &Kpis) -> [String; 12] {
    let count = |count: u64| count.to_string();
    [
        count(kpis.offered),
        count(kpis.answered),
        count(kpis.abandoned),
        count(kpis.abandoned_short),
        count(kpis.others),
        count(kpis.callbacks),
        percent(kpis.service_level),
        percent(kpis.service_level_offered),
        seconds(kpis.asa_s),
        seconds(kpis.aht_s),
        seconds(Some(kpis.longest_wait_s).filter(|_| kpis.offered > 0)),
        percent(kpis.occupancy),
    ]
}

pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

pub(crate) fn seconds(time: Option<f64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1} s"))
}

fn row(key: &str, cells: [String; 12]) -> String {
    let cells: String = cells.iter().map(|cell| format!("  {cell:>10}")).collect();
    format!("{key:<24}{cells}\n")
}

#[cfg(test)]
mod tests {
    use journal::Name;

    use super::*;

    fn credit<'a>(queue: Option<&'a Name>, agent: Option<&'a Name>, figures: Figures) -> Credit<'a> {
        Credit { at: Wall::from_unix_micros(1_795_253_400_000_000), queue, agent, figures, break_reason: None }
    }

    fn sums() -> Sums {
        let sales = Figures { offered: 3, answered: 2, answered_in_time: 1, abandoned: 1, ..Figures::default() };
        let support = Figures { offered: 1, full: 1, callbacks: 1, ..Figures::default() };
        let mut sums = Sums::default();
        for (queue, figures) in [("sales", sales), ("support", support)] {
            sums.add(Some(queue.to_owned()), &credit(Some(&queue.into()), None, figures));
        }
        sums
    }

    #[test]
    fn a_table_ends_with_the_sum_and_figures_of_nothing_are_a_dash() {
        let text = table(&sums(), By::Queue);
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0][..3], ["QUEUE", "OFFERED", "ANSWERED"]);
        assert_eq!(words[1][..8], ["sales", "3", "2", "1", "0", "0", "0", "33.3"]);
        assert_eq!(words[2][..8], ["support", "1", "0", "0", "0", "1", "1", "-"]);
        assert_eq!(words[3][..4], ["all", "4", "2", "1"]);
    }

    #[test]
    fn a_queue_has_the_time_of_all_its_agents_and_all_of_them_have_each_agents_time_once() {
        let mut sums = sums();
        let talk = Figures { talk_ms: 200, handled: 1, ..Figures::default() };
        sums.add(Some("sales".to_owned()), &credit(Some(&"sales".into()), Some(&"ann".into()), talk));
        for agent in ["ann", "bob"] {
            let time = Figures { staffed_ms: 1_000, busy_ms: 500, ..Figures::default() };
            sums.add(None, &credit(None, Some(&agent.into()), time));
        }
        sums.staff("sales", ["ann", "bob", "nobody"].into_iter());
        sums.staff("support", ["bob"].into_iter());
        sums.staff("idle", ["bob"].into_iter());
        let line = |queue: &str| sums.lines[queue].kpis();
        assert_eq!((line("sales").staffed_s, line("support").staffed_s, sums.all.staffed_ms), (2.0, 1.0, 2_000));
        assert_eq!((line("sales").occupancy, line("sales").own_occupancy), (Some(0.5), Some(0.1)));
        assert_eq!((line("support").own_occupancy, sums.lines.len()), (Some(0.0), 2));
    }

    #[test]
    fn a_span_ends_now_at_the_latest() {
        let (zone, now) = (Zone::default(), Wall::from_unix_micros(1_795_253_400_000_000));
        let at = At { config: "config".into() };
        let (from, to) = (Some("2026-11-20".to_owned()), Some("2026-11-22".to_owned()));
        let mut request = Report { from, to, by: By::Queue, json: false, csv: false, at };
        let begin = Wall::from_unix_micros(1_795_132_800_000_000);
        assert_eq!(span(&request, &zone, now).unwrap(), (begin, now), "nobody has worked tomorrow");
        request.to = Some("2026-11-21".to_owned());
        assert_eq!(span(&request, &zone, now).unwrap().1, Wall::from_unix_micros(1_795_219_200_000_000));
        request.from = Some("yesterday".to_owned());
        assert!(span(&request, &zone, now).is_err());
    }

    #[test]
    fn breaks_are_told_by_reason() {
        let mut sums = Sums::default();
        let (ann, lunch) = ("ann".into(), "lunch".into());
        for ms in [1_500, 1_000] {
            let time = Figures { break_ms: ms, ..Figures::default() };
            let credit = Credit { break_reason: Some(&lunch), ..credit(None, Some(&ann), time) };
            sums.add(Some("ann".to_owned()), &credit);
        }
        let line = to_json(&lines(&sums, By::Agent).next().unwrap());
        assert!(line.contains(r#""break_s":2.5"#) && line.contains(r#""breaks":{"lunch":2.5}"#), "{line}");
    }

    #[test]
    fn comma_separated_values_have_a_head_and_as_many_columns_in_each_line() {
        let text = csv(&sums(), By::Queue);
        let counts: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert!(text.starts_with("queue,") && counts.len() == 3 && counts.iter().all(|count| *count == counts[0]));
        assert!(text.lines().next().unwrap().contains("service_level_offered"));
    }

    #[test]
    fn an_hour_is_that_of_the_companys_clock_and_one_that_comes_twice_is_two() {
        let hours = hours::Zone::default();
        let mut keys = Keys { by: By::Hour, zone: &hours, last: None };
        let credit = credit(None, None, Figures::default());
        let at = credit.at;
        assert_eq!(keys.of(&credit).unwrap(), "2026-11-21T09:00+00:00");
        keys = Keys { by: By::Day, ..keys };
        keys.last = None;
        assert_eq!(keys.of(&credit).unwrap(), "2026-11-21");
        assert_eq!(hours.day_of(at), Wall::from_unix_micros(1_795_219_200_000_000));
    }
}
