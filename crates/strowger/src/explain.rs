//! `strowger explain`: what was decided about a call, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use api::ClientError;
use base::CallId;
use clap::Args;
use journal::{
    AgentLost, CallChanged, Candidate, DecisionRejected, Event, Kind, Name, OfferEnded, OfferMade, OfferOutcome,
    OfferReason, PluginFailed, QueueExit, Rival,
};
use serde::Serialize;
use switch::control::{Request, Response, Standing};

use crate::cli::operate::{At, call_id};
use crate::error::Error;
use crate::operate::{connect, data_folder, print, shown, to_json, whole_seconds};

/// `strowger explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The call's id, as `strowger calls`, the journal and CDRs have it
    #[arg(value_parser = call_id)]
    pub call: CallId,
    /// Prints one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub at: At,
}

/// What is known of the call, for programs.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    call: CallId,
    /// Its events that are about queues, offers and talks, as the journal has them.
    events: Vec<&'a Event>,
    /// Where it stands, if it is in a queue of the running switch.
    now: Option<Standing>,
}

/// Explains a call.
///
/// # Errors
/// If there is no such call, or the journal cannot be read.
pub(crate) fn explain(request: &Explain) -> Result<(), Error> {
    let data = data_folder(&request.at.config)?;
    let found = storage::events_of(&data, request.call);
    let events = found.map_err(|source| Error::File { path: data.join("journal"), source })?;
    if events.is_empty() {
        return Err(Error::NoSuchCall { call: request.call });
    }
    let now = standing(request)?;
    if request.json {
        let told = events.iter().filter(|event| words(event).is_some()).collect();
        print(&to_json(&Explained { call: request.call, events: told, now }));
    } else {
        print(&(describe(request.call, &events) + &now.map(|now| standing_words(&now)).unwrap_or_default()));
    }
    Ok(())
}

/// Where the call stands now; none if it is over, is in no queue, or no switch runs.
fn standing(request: &Explain) -> Result<Option<Standing>, Error> {
    let mut switch = match connect(&request.at.config) {
        Err(Error::Client(ClientError::NoSwitch { .. })) => return Ok(None),
        switch => switch?,
    };
    match switch.client.ask(&Request::Explain { call: request.call })? {
        Response::Standing(standing) => Ok(standing.map(|standing| *standing)),
        Response::NoSuchCall => Ok(None),
        _ => Err(switch.garbled()),
    }
}

/// Why nobody has it, and what it waits for.
fn standing_words(standing: &Standing) -> String {
    let Standing { queue, waited_ms, stage, agents, position, priority, needs, excluded, free, .. } = standing;
    let queue = shown(queue);
    let names = agents.iter().map(|agent| shown(agent)).collect::<Vec<_>>().join(", ");
    let mut text = match &**stage {
        "offered" => format!("now: offered to {names} by the queue {queue}, where it waits"),
        "connected" => return format!("now: with {names}, from the queue {queue}\n"),
        _ => format!("now: waits in the queue {queue}"),
    };
    let _ = write!(text, " for {}, priority {priority}", span(*waited_ms));
    if let Some(position) = position {
        let _ = write!(text, ", place {position}");
    }
    text += "\n";
    if !needs.is_empty() {
        let _ = writeln!(text, "  needs {}", levels(needs));
    }
    let _ = writeln!(text, "  agents who could be asked: {free}");
    for (why, count) in excluded {
        let _ = writeln!(text, "  not: {count} {}", exclusion(why));
    }
    for (what, at) in [
        ("somebody may be asked again", standing.looks_again_in_ms),
        ("it needs less", standing.widens_in_ms),
        ("it leaves the queue", standing.leaves_in_ms),
    ] {
        if let Some(at) = at {
            let _ = writeln!(text, "  in {} {what}", span(at));
        }
    }
    text
}

fn describe(call: CallId, events: &[Event]) -> String {
    let mut text = format!("call {call}\n");
    for (at, words) in events.iter().filter_map(|event| Some((event.at, words(event)?))) {
        let mut lines = words.lines();
        let _ = writeln!(text, "{at}  {}", lines.next().unwrap_or_default());
        lines.for_each(|line| text += &format!("{:26}{line}\n", ""));
    }
    text
}

/// What an event says about who was to serve the call; none if it says nothing about that.
fn words(event: &Event) -> Option<String> {
    Some(match &event.kind {
        Kind::CallBegan { from, to, .. } => {
            let from = if from.reveal().is_empty() { "withheld" } else { from.reveal() };
            format!("came, from {} to {}", shown(from), shown(to.reveal()))
        }
        Kind::QueueJoined { queue } => format!("joined the queue {}", shown(queue)),
        Kind::QueueLeft { queue, why, waited_ms, reason } => {
            let left = format!("left the queue {} after {}: {}", shown(queue), span(*waited_ms), exit(*why));
            left + &because(reason.as_deref())
        }
        Kind::DecisionRejected(DecisionRejected { queue, fault, reason }) => {
            let rejected = format!("a decision of the queue {} was not used, as it was {}", shown(queue), word(fault));
            rejected + &because(reason.as_deref())
        }
        Kind::PluginFailed(failed) => plugin_failed(failed),
        Kind::CallChanged(changed) => change(changed),
        Kind::OfferMade(offer) => offered(offer),
        Kind::OfferEnded(OfferEnded { agent, outcome, rang_ms, .. }) => {
            format!("the offer to {} ended after {}: {}", shown(agent), span(*rang_ms), outcome_words(*outcome))
        }
        Kind::Bridged { .. } => "talks".to_owned(),
        Kind::AgentLost(AgentLost { agent, cause, return_ms }) => {
            format!("lost the phone of {} ({}), who had {} to come back", shown(agent), shown(cause), span(*return_ms))
        }
        Kind::Transferred { by, kind, .. } => format!("was transferred ({}) by {}", word(kind), word(by)),
        Kind::Joined { into } => format!("went on as {into}"),
        Kind::HungUp { by, cause, .. } => format!("was hung up by the {} ({})", word(by), shown(cause)),
        Kind::CallEnded { cut: true } => "was cut: the switch died".to_owned(),
        Kind::CallEnded { cut: false } => "ended".to_owned(),
        _ => return None,
    })
}

/// `the plugin ours did not decide for the queue sales (trap); the queue's strategy does: unreachable`.
fn plugin_failed(failed: &PluginFailed) -> String {
    let PluginFailed { plugin, queue, fault, text, rests_ms } = failed;
    let (plugin, queue, fault) = (shown(plugin), shown(queue), shown(fault));
    let failed =
        format!("the plugin {plugin} did not decide for the queue {queue} ({fault}); the queue's strategy does");
    let rests = rests_ms.map_or_else(String::new, |rests| format!(", and goes on for {}", span(rests)));
    failed + &rests + &because(Some(text.as_str()).filter(|text| !text.is_empty()))
}

/// `needs spanish 30 in the queue sales from now on: waited for 30 s`.
fn change(changed: &CallChanged) -> String {
    let CallChanged { queue, needs, priority, reason } = changed;
    let needs = needs.as_ref().map(|needs| match needs.is_empty() {
        true => "needs no skill".to_owned(),
        false => format!("needs {}", levels(needs)),
    });
    let priority = priority.map(|priority| format!("has priority {priority}"));
    let what: Vec<String> = needs.into_iter().chain(priority).collect();
    format!("{} in the queue {} from now on", what.join(" and "), shown(queue)) + &because(Some(reason))
}

/// The words of whoever decided.
fn because(reason: Option<&str>) -> String {
    reason.filter(|reason| !reason.is_empty()).map(|reason| format!(": {}", shown(reason))).unwrap_or_default()
}

fn levels(needs: &BTreeMap<Name, u8>) -> String {
    needs.iter().map(|(skill, level)| format!("{} {level}", shown(skill))).collect::<Vec<_>>().join(", ")
}

/// `offered to 101, who may ring for 0:00:20: idle 9 s, longest of 2`, and what else there was to choose from.
fn offered(offer: &OfferMade) -> String {
    let OfferMade { queue, agent, ring_ms, why, .. } = offer;
    let OfferReason { strategy, fallback, reason, candidates, calls, excluded, .. } = why;
    let mut text = format!(
        "was offered to {} by the queue {}, to ring for {}: {} ({}{})",
        shown(agent),
        shown(queue),
        span(*ring_ms),
        shown(reason),
        shown(strategy),
        if *fallback { ", in the place of the queue's own strategy" } else { "" },
    );
    for candidate in candidates {
        text += &format!("\n  could have been offered to {}", candidate_words(candidate));
    }
    for rival in calls {
        text += &format!("\n  {}", rival_words(rival));
    }
    if !excluded.is_empty() {
        let reasons = excluded.iter().map(|(why, count)| format!("{count} {}", exclusion(why)));
        text += &format!("\n  not: {}", reasons.collect::<Vec<_>>().join(", "));
    }
    text
}

fn candidate_words(candidate: &Candidate) -> String {
    let Candidate { agent, idle_ms, level, calls_today, talk_today_ms, skills, score, .. } = candidate;
    let mut text = format!(
        "{}: idle {}, level {level}, {calls_today} calls today, talked {} today",
        shown(agent),
        span(*idle_ms),
        span(*talk_today_ms)
    );
    for (skill, level) in skills {
        let _ = write!(text, ", {} {level}", shown(skill));
    }
    if let Some(score) = score {
        let _ = write!(text, ", score {score}");
    }
    text
}

fn rival_words(rival: &Rival) -> String {
    let Rival { call, queue, waited_ms, priority, score } = rival;
    let score = score.map(|score| format!(", score {score}")).unwrap_or_default();
    format!("{call} waited in {} for {}, priority {priority}{score}", shown(queue), span(*waited_ms))
}

/// Why agents could not be offered the call, in words.
pub(crate) fn exclusion(why: &str) -> String {
    match why {
        "unavailable" => "logged out",
        "on_break" => "on a break",
        "offered" => "with an offer of another call",
        "in_call" => "in a call",
        "wrap_up" => "in the time after a call",
        "resting" => "resting after an offer not taken",
        "unskilled" => "without a skill that the call needs",
        "tried" => "asked for this call a short while ago",
        "undecided" => "about whom another decision was under way",
        "surplus" => "behind the best of those who were free",
        other => return shown(other),
    }
    .to_owned()
}

const fn exit(why: QueueExit) -> &'static str {
    match why {
        QueueExit::Answered => "an agent answered",
        QueueExit::Abandoned => "the caller hung up",
        QueueExit::Cut => "the switch ended the call",
        QueueExit::MovedOn => "the flow went on, by a key or its own limit",
        QueueExit::WaitedTooLong => "it had waited as long as it may",
        QueueExit::NoAgents => "nobody serves the queue",
        QueueExit::Closed => "the queue was closed",
        QueueExit::NotReached => "whoever was to be called back was not reached",
        QueueExit::Full => "the queue was full",
        QueueExit::Refused => "a decision turned it away",
        QueueExit::Overflowed => "it overflowed",
    }
}

const fn outcome_words(outcome: OfferOutcome) -> &'static str {
    match outcome {
        OfferOutcome::Answered => "he answered",
        OfferOutcome::Busy => "his phone was busy",
        OfferOutcome::Declined => "he declined",
        OfferOutcome::NoAnswer => "he did not answer",
        OfferOutcome::Unreachable => "his phone could not be reached",
        OfferOutcome::CallerLeft => "the caller was gone",
        OfferOutcome::WaitedTooLong => "the call had waited as long as it may",
        OfferOutcome::AnsweredElsewhere => "another agent was faster",
    }
}

/// A word of the journal as it is written there.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        Ok(serde_json::Value::Object(one)) => {
            let words = one.iter().map(|(kind, name)| format!("{kind} {}", shown(name.as_str().unwrap_or_default())));
            words.collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}

fn span(ms: u64) -> String {
    whole_seconds(Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use base::{DecisionId, OfferId, Wall};

    use super::*;

    fn event(seq: u32, kind: Kind) -> Event {
        let at = Wall::from_unix_micros(1_795_253_400_000_000 + i64::from(seq) * 1_000_000);
        Event { seq, at, call: Some(CallId::from_raw(1)), kind }
    }

    #[test]
    fn an_offer_tells_whom_else_there_was_and_why_the_others_were_not() {
        let candidate = |agent: &str, score| Candidate {
            agent: agent.into(),
            idle_ms: 9_000,
            calls: 1,
            level: 2,
            calls_today: 3,
            talk_today_ms: 60_000,
            skills: [("spanish".into(), 70)].into(),
            score: Some(score),
        };
        let why = OfferReason {
            decision: DecisionId::from_raw(1),
            strategy: "most-skilled".into(),
            fallback: true,
            decided_on: Wall::default(),
            reason: "spanish 70".to_owned(),
            candidates: vec![candidate("101", 70), candidate("102", 50)],
            calls: Vec::new(),
            excluded: [("wrap_up".into(), 2), ("tried".into(), 1)].into(),
        };
        let made =
            OfferMade { offer: OfferId::from_raw(1), queue: "sales".into(), agent: "101".into(), ring_ms: 20_000, why };
        let (offer, agent) = (made.offer, made.agent.clone());
        let ended = OfferEnded { offer, agent, outcome: OfferOutcome::NoAnswer, rang_ms: 20_000 };
        let (queue, needs) = (Name::from("sales"), [("spanish".into(), 30)].into());
        let reason = "waited for 30 s".to_owned();
        let changed = CallChanged { queue: queue.clone(), needs: Some(needs), priority: None, reason };
        let (fault, reason) = (journal::DecisionFault::Impossible, Some("by hand".to_owned()));
        let rejected = DecisionRejected { queue: queue.clone(), fault, reason };
        let (why, reason) = (QueueExit::Refused, Some("too \u{1b}many".to_owned()));
        let left = Kind::QueueLeft { queue: queue.clone(), why, waited_ms: 40_000, reason };
        let failed = PluginFailed {
            plugin: "ours".into(),
            queue,
            fault: "trap".into(),
            text: "unreachable".to_owned(),
            rests_ms: Some(30_000),
        };
        let lost = AgentLost { agent: "101".into(), cause: "media_silent".into(), return_ms: 15_000 };
        let events = [
            event(0, Kind::QueueJoined { queue: "sales".into() }),
            event(1, Kind::MemoryWell),
            event(2, Kind::OfferMade(made)),
            event(3, Kind::OfferEnded(ended)),
            event(4, Kind::CallChanged(changed)),
            event(5, Kind::DecisionRejected(rejected)),
            event(6, left),
            event(7, Kind::AgentLost(lost)),
            event(8, Kind::PluginFailed(failed)),
        ];
        let text = describe(CallId::from_raw(1), &events);
        for part in [
            "2026-11-21T09:30:00.000Z  joined the queue sales\n",
            "was offered to 101 by the queue sales, to ring for 0:00:20: spanish 70 (most-skilled, in the place of",
            "102: idle 0:00:09, level 2, 3 calls today, talked 0:01:00 today, spanish 70, score 50\n",
            "not: 1 asked for this call a short while ago, 2 in the time after a call\n",
            "the offer to 101 ended after 0:00:20: he did not answer\n",
            "needs spanish 30 in the queue sales from now on: waited for 30 s\n",
            "a decision of the queue sales was not used, as it was impossible: by hand\n",
            "left the queue sales after 0:00:40: a decision turned it away: too ",
            "the plugin ours did not decide for the queue sales (trap); the queue's strategy does, and goes on for 0:00:30: unreachable\n",
            "lost the phone of 101 (media_silent), who had 0:00:15 to come back\n",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let standing = Standing {
            queue: "sales".into(),
            waited_ms: 65_000,
            stage: "waiting".into(),
            agents: Vec::new(),
            position: Some(2),
            priority: 50,
            needs: [("spanish".into(), 40)].into(),
            excluded: [("unskilled".into(), 3)].into(),
            free: 0,
            widens_in_ms: Some(10_000),
            looks_again_in_ms: None,
            leaves_in_ms: None,
        };
        assert_eq!(
            standing_words(&standing),
            "now: waits in the queue sales for 0:01:05, priority 50, place 2\n  needs spanish 40\n  agents who could be asked: 0\n  \
             not: 3 without a skill that the call needs\n  in 0:00:10 it needs less\n"
        );
        assert!(!text.contains('\u{1b}'), "a strategy's words do not reach the terminal as they are");
        assert!(!text.contains("09:30:01"), "what is not about agents is left out");
    }
}
