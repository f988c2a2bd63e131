//! Figures in the text format that Prometheus reads (version 0.0.4).
//!
//! Gauges say how it is now, counters (`…_total`) count since the switch started and only grow.

use std::fmt::Display;
use std::time::Duration;

use switch::PluginState;
use switch::control::{DecisionsRejected, Queue, QueueLine, TrunkCount, TrunkState};

use crate::port::Figures;

/// All figures as text.
pub(crate) fn render(figures: &Figures) -> String {
    let mut page = Page::default();
    switch(&mut page, figures);
    decisions(&mut page, figures.status.decisions_rejected);
    plugins(&mut page, &figures.plugins);
    calls(&mut page, figures);
    queues(&mut page, &figures.status.queues);
    kpis(&mut page, &figures.queues);
    sip(&mut page, &figures.sip);
    traffic(&mut page, &figures.sip.traffic);
    trunks(&mut page, &figures.trunks);
    trunk_states(&mut page, &figures.status.trunks);
    trunk_limits(&mut page, &figures.status.trunks);
    digest(&mut page, figures.digest);
    media(&mut page, figures);
    handshakes(&mut page, figures);
    page.0
}

fn switch(page: &mut Page, figures: &Figures) {
    let status = &figures.status;
    page.gauge("strowger_info", "The version, as a label.");
    page.line("strowger_info", &[("version", &status.version)], 1);
    page.gauge("strowger_start_time_seconds", "When the switch started, in seconds since 1970.");
    let started = u64::try_from(status.started.as_unix_micros()).unwrap_or(0);
    page.line("strowger_start_time_seconds", &[], Duration::from_micros(started).as_secs_f64());
    page.gauge("strowger_draining", "1 if no new calls are taken.");
    page.line("strowger_draining", &[], u8::from(status.draining));
    page.gauge("strowger_memory_short", "1 if no more calls are taken than live, as memory is short.");
    page.line("strowger_memory_short", &[], u8::from(status.memory_short));
    page.gauge(
        "strowger_disk_faults",
        "Kinds of files that cannot be written: journal, cdr, recordings, locations, trace.",
    );
    page.line("strowger_disk_faults", &[], status.disk_faults.len());
    page.counter("strowger_inconsistencies_total", "How often something was found that contradicts itself.");
    page.line("strowger_inconsistencies_total", &[], status.inconsistencies);
}

fn decisions(page: &mut Page, rejected: DecisionsRejected) {
    let name = "strowger_decisions_rejected_total";
    page.counter(name, "Decisions of queues' strategies that were not used, by what was wrong with them.");
    let DecisionsRejected { late, stale, impossible, wait } = rejected;
    for (fault, count) in [("late", late), ("stale", stale), ("impossible", impossible), ("wait", wait)] {
        page.line(name, &[("fault", fault)], count);
    }
}

fn plugins(page: &mut Page, states: &[PluginState]) {
    type Count = fn(&PluginState) -> u64;
    let counters: [(&str, &str, Count); 5] = [
        ("strowger_plugin_asked_total", "Decisions that plugins were asked for.", |state| state.asked),
        ("strowger_plugin_decided_total", "Decisions of plugins that were carried out.", |state| state.decided),
        (
            "strowger_plugin_rested_total",
            "Decisions that plugins were not asked for, as they rested after failures.",
            |state| state.rested,
        ),
        ("strowger_plugin_told_total", "Outcomes that plugins were told.", |state| state.told),
        (
            "strowger_plugin_untold_total",
            "Outcomes that plugins were not told, as they failed, rested or were behind.",
            |state| state.untold,
        ),
    ];
    for (name, help, count) in counters {
        page.counter(name, help);
        for state in states {
            page.line(name, &[("plugin", &state.plugin)], count(state));
        }
    }
    let name = "strowger_plugin_failures_total";
    page.counter(name, "Failures of plugins, by what was wrong.");
    for state in states {
        for (fault, count) in &state.failed {
            page.line(name, &[("plugin", &state.plugin), ("fault", fault)], count);
        }
    }
    let name = "strowger_plugin_seconds_total";
    page.counter(name, "How long answers of plugins took together.");
    for state in states {
        page.line(name, &[("plugin", &state.plugin)], Duration::from_micros(state.took_us).as_secs_f64());
    }
    let name = "strowger_plugin_rests";
    page.gauge(name, "1 if a plugin is not asked, as it failed again and again.");
    for state in states {
        page.line(name, &[("plugin", &state.plugin)], u8::from(state.rests_ms.is_some()));
    }
}

fn calls(page: &mut Page, figures: &Figures) {
    let status = &figures.status;
    let gauges = [
        ("strowger_calls", "Live calls.", status.calls),
        ("strowger_calls_max", "The most calls that are taken.", status.max_calls),
        ("strowger_legs", "Legs whose media is not closed.", status.legs),
        ("strowger_sip_sessions", "Live SIP sessions, early ones included.", status.sessions),
        ("strowger_registrations", "Registered contacts.", status.registrations),
        ("strowger_subscriptions", "Subscriptions of phones to busy and message lamps.", status.subscriptions),
    ];
    for (name, help, value) in gauges {
        page.gauge(name, help);
        page.line(name, &[], value);
    }
    let name = "strowger_calls_ended_total";
    page.counter(name, "Calls that ended, by the disposition in their CDR.");
    for (disposition, count) in &figures.ended {
        page.line(name, &[("disposition", disposition)], count);
    }
}

fn queues(page: &mut Page, queues: &[Queue]) {
    let name = "strowger_queue_calls";
    page.gauge(name, "Calls in a queue that wait or are offered to an agent.");
    for queue in queues {
        page.line(name, &[("queue", &queue.name), ("state", "waiting")], queue.waiting);
        page.line(name, &[("queue", &queue.name), ("state", "offered")], queue.offered);
    }
    let name = "strowger_queue_longest_wait_seconds";
    page.gauge(name, "How long the first of those that wait has waited.");
    for queue in queues {
        page.line(name, &[("queue", &queue.name)], Duration::from_millis(queue.longest_wait_ms).as_secs_f64());
    }
    let name = "strowger_queue_expected_wait_seconds";
    page.gauge(name, "How long one would wait who joined now, by quantile; absent while that is uncertain.");
    for queue in queues {
        for (quantile, seconds) in ["0.1", "0.9"].into_iter().zip(queue.expected_wait_s.into_iter().flatten()) {
            page.line(name, &[("queue", &queue.name), ("quantile", quantile)], seconds);
        }
    }
    let name = "strowger_queue_forecasts_total";
    page.counter(name, "Forecasts of waits that came to an end, by whether they were right.");
    for Queue { name: queue, forecasts, .. } in queues {
        page.line(name, &[("queue", queue), ("result", "right")], forecasts.right);
        page.line(name, &[("queue", queue), ("result", "wrong")], forecasts.checked.saturating_sub(forecasts.right));
    }
    let name = "strowger_queue_forecasts_told_total";
    page.counter(name, "Forecasts of waits that callers were told.");
    for queue in queues {
        page.line(name, &[("queue", &queue.name)], queue.forecasts.told);
    }
    let name = "strowger_queue_agents";
    page.gauge(name, "Agents of a queue by state; one of several queues counts in each.");
    for Queue { name: queue, agents, .. } in queues {
        let states = [
            ("idle", agents.idle),
            ("offered", agents.offered),
            ("in_call", agents.in_call),
            ("wrap_up", agents.wrap_up),
            ("resting", agents.resting),
            ("on_break", agents.on_break),
            ("logged_out", agents.logged_out),
        ];
        for (state, count) in states {
            page.line(name, &[("queue", queue), ("state", state)], count);
        }
    }
}

/// One figure of a queue, if there is one.
type Figure = fn(&QueueLine) -> Option<f64>;

/// Of today, as crate `journal` defines them; what was not counted yet is absent.
fn kpis(page: &mut Page, queues: &[QueueLine]) {
    let name = "strowger_queue_visits_today";
    page.gauge(name, "Calls that joined a queue today, in the company's time zone, by what became of them.");
    for QueueLine { queue, today, .. } in queues {
        for (outcome, count) in [
            ("offered", today.offered),
            ("answered", today.answered),
            ("abandoned", today.abandoned),
            ("abandoned_short", today.abandoned_short),
            ("overflowed", today.overflowed),
            ("waited_too_long", today.waited_too_long),
            ("no_agents", today.no_agents),
            ("full", today.full),
            ("closed", today.closed),
            ("refused", today.refused),
            ("moved_on", today.moved_on),
            ("cut", today.cut),
            ("resumed", today.resumed),
            ("out_of_hours", today.out_of_hours),
        ] {
            page.line(name, &[("queue", &queue.name), ("outcome", outcome)], count);
        }
    }
    let name = "strowger_queue_callbacks_today";
    page.gauge(name, "Callbacks that were promised today, that were reached, and that were given up.");
    for QueueLine { queue, today, .. } in queues {
        for (step, count) in
            [("promised", today.callbacks), ("reached", today.callbacks_reached), ("failed", today.callbacks_failed)]
        {
            page.line(name, &[("queue", &queue.name), ("step", step)], count);
        }
    }
    let name = "strowger_queue_service_level";
    page.gauge(
        name,
        "Share of today's calls answered in time, of those that ended (answered, abandoned) and of those offered.",
    );
    for QueueLine { queue, today, .. } in queues {
        for (of, share) in [("ended", today.service_level), ("offered", today.service_level_offered)] {
            if let Some(share) = share {
                page.line(name, &[("queue", &queue.name), ("of", of)], share);
            }
        }
    }
    let times: [(&str, &str, Figure); 3] = [
        ("strowger_queue_speed_of_answer_seconds", "ASA of today's calls.", |line| line.today.asa_s),
        ("strowger_queue_handle_time_seconds", "AHT of today's calls: talk, hold and the time after.", |line| {
            line.today.aht_s
        }),
        ("strowger_queue_occupancy", "Share of their time today that the queue's agents were busy.", |line| {
            line.today.occupancy
        }),
    ];
    for (name, help, figure) in times {
        page.gauge(name, help);
        for (line, figure) in queues.iter().filter_map(|line| Some((line, figure(line)?))) {
            page.line(name, &[("queue", &line.queue.name)], figure);
        }
    }
}

fn sip(page: &mut Page, sip: &sip::Counters) {
    let name = "strowger_sip_total";
    page.counter(name, "What the SIP stack counts, by kind.");
    let kinds = [
        ("requests", sip.requests),
        ("responses", sip.responses),
        ("malformed", sip.malformed),
        ("repeated_requests", sip.repeated_requests),
        ("strays", sip.strays),
        ("sent", sip.sent),
        ("resent", sip.resent),
        ("timed_out", sip.timed_out),
        ("unacknowledged", sip.unacknowledged),
        ("overloaded", sip.overloaded),
        ("refused", sip.refused),
        ("unreachable", sip.unreachable),
        ("oversized", sip.oversized),
        ("fell_back", sip.fell_back),
    ];
    for (kind, count) in kinds {
        page.line(name, &[("kind", kind)], count);
    }
}

fn handshakes(page: &mut Page, figures: &Figures) {
    let name = "strowger_handshakes_failed_total";
    page.counter(name, "Handshakes of TLS and WebSocket that failed, by listener and by why.");
    for (listener, counts) in &figures.handshakes {
        for (reason, count) in counts {
            page.line(name, &[("listener", listener), ("reason", reason)], count);
        }
    }
}

fn traffic(page: &mut Page, traffic: &sip::Traffic) {
    let kinds = [
        ("strowger_sip_requests_total", "Requests that came and went, repeats included.", "method", true),
        ("strowger_sip_responses_total", "Responses that came and went, repeats included.", "class", false),
    ];
    for (name, help, label, is_request) in kinds {
        page.counter(name, help);
        for count in traffic.counts().filter(|count| count.is_request == is_request) {
            let direction = if count.sent { "out" } else { "in" };
            let labels = [("direction", direction), ("transport", count.transport), (label, count.kind)];
            page.line(name, &labels, count.count);
        }
    }
}

fn trunks(page: &mut Page, trunks: &[TrunkCount]) {
    let name = "strowger_trunk_invites_total";
    page.counter(name, "Calls from and to trunks by the class of their final response.");
    for TrunkCount { trunk, out, class, count } in trunks {
        let (direction, class) = (if *out { "out" } else { "in" }, format!("{class}xx"));
        page.line(name, &[("trunk", trunk), ("direction", direction), ("class", &class)], count);
    }
}

fn trunk_states(page: &mut Page, trunks: &[TrunkState]) {
    page.gauge("strowger_trunk_up", "1 unless a trunk that is watched is down.");
    for trunk in trunks.iter().filter(|trunk| trunk.since.is_some()) {
        page.line("strowger_trunk_up", &[("trunk", &trunk.trunk)], u8::from(trunk.up));
    }
    page.gauge("strowger_trunk_registered", "1 while we are registered at a trunk.");
    for (trunk, registered) in trunks.iter().filter_map(|trunk| Some((trunk, trunk.registered?))) {
        page.line("strowger_trunk_registered", &[("trunk", &trunk.trunk)], u8::from(registered));
    }
    page.gauge("strowger_trunk_calls", "Live calls to and from trunks.");
    for trunk in trunks {
        for (direction, calls) in [("out", trunk.calls_out), ("in", trunk.calls_in)] {
            page.line("strowger_trunk_calls", &[("trunk", &trunk.trunk), ("direction", direction)], calls);
        }
    }
}

fn trunk_limits(page: &mut Page, trunks: &[TrunkState]) {
    page.gauge("strowger_trunk_channels", "The most calls at once by a trunk.");
    for (trunk, channels) in trunks.iter().filter_map(|trunk| Some((trunk, trunk.channels?))) {
        page.line("strowger_trunk_channels", &[("trunk", &trunk.trunk)], channels);
    }
    let name = "strowger_trunk_limits_met_total";
    page.counter(name, "Calls from and to trunks that a limit of the trunk stood against.");
    for trunk in trunks {
        let met = &trunk.met;
        for (direction, limit, count) in [
            ("out", "channels", met.channels_out),
            ("out", "calls_per_second", met.rate_out),
            ("in", "channels", met.channels_in),
            ("in", "calls_per_second", met.rate_in),
        ] {
            page.line(name, &[("trunk", &trunk.trunk), ("direction", direction), ("limit", limit)], count);
        }
    }
}

fn digest(page: &mut Page, digest: sip::digest::Outcomes) {
    let name = "strowger_digest_total";
    page.counter(name, "Requests whose senders were to prove themselves, by what became of them.");
    let outcomes = [
        ("proven", digest.proven),
        ("asked", digest.asked),
        ("failed", digest.failed),
        ("stale", digest.stale),
        ("malformed", digest.malformed),
    ];
    for (outcome, count) in outcomes {
        page.line(name, &[("outcome", outcome)], count);
    }
}

fn media(page: &mut Page, figures: &Figures) {
    let media = figures.media;
    let name = "strowger_media_ticks_total";
    page.counter(name, "Ticks of 20 ms of the media threads: run, of those late, and left out.");
    for (kind, count) in [("run", media.ticks), ("late", media.late_ticks), ("skipped", media.skipped_ticks)] {
        page.line(name, &[("kind", kind)], count);
    }
    let name = "strowger_dropped_total";
    page.counter(name, "What got lost between threads, by kind.");
    for (what, count) in &figures.drops {
        page.line(name, &[("what", what)], count);
    }
}

/// A page as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str) {
        self.head(name, help, "gauge");
    }

    fn counter(&mut self, name: &str, help: &str) {
        self.head(name, help, "counter");
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.0 += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.0 += &format!("{name}{labels} {value}\n");
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use switch::control::{Agents, Status};

    use super::*;

    fn figures() -> Figures {
        let agents = Agents { idle: 2, in_call: 1, ..Agents::default() };
        let queue = Queue {
            name: "sales".to_owned(),
            waiting: 3,
            offered: 1,
            longest_wait_ms: 1_500,
            agents,
            ..Queue::default()
        };
        let disk_faults = [("journal".into(), "Read-only file system".to_owned())].into();
        let today = switch::control::Kpis {
            offered: 9,
            callbacks: 2,
            service_level: Some(0.75),
            asa_s: Some(4.5),
            ..Default::default()
        };
        let line = QueueLine { queue: queue.clone(), today, ..QueueLine::default() };
        let queues = vec![queue];
        let met = switch::control::LimitsMet { channels_out: 23, ..Default::default() };
        let trunk = TrunkState { trunk: "carrier".to_owned(), channels: Some(30), met, ..TrunkState::default() };
        let status = Status {
            calls: 7,
            registrations: 5,
            subscriptions: 3,
            draining: true,
            disk_faults,
            inconsistencies: 1,
            decisions_rejected: DecisionsRejected { impossible: 3, ..DecisionsRejected::default() },
            queues,
            trunks: vec![trunk],
            ..Status::default()
        };
        let sip = sip::Counters { requests: 11, ..sip::Counters::default() };
        let digest = sip::digest::Outcomes { failed: 13, ..sip::digest::Outcomes::default() };
        let plugin = PluginState {
            plugin: "value-based".to_owned(),
            asked: 40,
            decided: 31,
            rested: 4,
            told: 60,
            untold: 2,
            took_us: 1_500,
            rests_ms: Some(9),
            failed: [("trap".into(), 6)].into(),
            ..PluginState::default()
        };
        Figures {
            status,
            plugins: vec![plugin],
            queues: vec![line],
            sip,
            digest,
            ended: vec![("answered", 5)],
            drops: vec![("datagrams_in", 1)],
            trunks: vec![TrunkCount { trunk: "carrier".into(), out: true, class: 4, count: 17 }],
            ..Figures::default()
        }
    }

    #[test]
    fn figures_stand_under_their_names() {
        let page = render(&figures());
        for line in [
            "strowger_calls 7",
            "strowger_draining 1",
            "strowger_disk_faults 1",
            "strowger_inconsistencies_total 1",
            "strowger_decisions_rejected_total{fault=\"impossible\"} 3",
            "strowger_plugin_asked_total{plugin=\"value-based\"} 40",
            "strowger_plugin_decided_total{plugin=\"value-based\"} 31",
            "strowger_plugin_rested_total{plugin=\"value-based\"} 4",
            "strowger_plugin_told_total{plugin=\"value-based\"} 60",
            "strowger_plugin_untold_total{plugin=\"value-based\"} 2",
            "strowger_plugin_failures_total{plugin=\"value-based\",fault=\"trap\"} 6",
            "strowger_plugin_seconds_total{plugin=\"value-based\"} 0.0015",
            "strowger_plugin_rests{plugin=\"value-based\"} 1",
            "strowger_memory_short 0",
            "strowger_calls_ended_total{disposition=\"answered\"} 5",
            "strowger_queue_calls{queue=\"sales\",state=\"waiting\"} 3",
            "strowger_queue_calls{queue=\"sales\",state=\"offered\"} 1",
            "strowger_queue_longest_wait_seconds{queue=\"sales\"} 1.5",
            "strowger_queue_agents{queue=\"sales\",state=\"idle\"} 2",
            "strowger_queue_visits_today{queue=\"sales\",outcome=\"offered\"} 9",
            "strowger_queue_callbacks_today{queue=\"sales\",step=\"promised\"} 2",
            "strowger_queue_service_level{queue=\"sales\",of=\"ended\"} 0.75",
            "strowger_queue_speed_of_answer_seconds{queue=\"sales\"} 4.5",
            "strowger_sip_total{kind=\"requests\"} 11",
            "strowger_registrations 5",
            "strowger_subscriptions 3",
            "strowger_digest_total{outcome=\"failed\"} 13",
            "strowger_dropped_total{what=\"datagrams_in\"} 1",
            "strowger_trunk_invites_total{trunk=\"carrier\",direction=\"out\",class=\"4xx\"} 17",
            "strowger_trunk_channels{trunk=\"carrier\"} 30",
            "strowger_trunk_limits_met_total{trunk=\"carrier\",direction=\"out\",limit=\"channels\"} 23",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn each_name_has_one_head_before_its_lines_and_no_line_comes_twice() {
        let (page, mut heads, mut lines) = (render(&figures()), HashSet::new(), HashSet::new());
        for line in page.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                assert!(heads.insert(head.split(' ').next().unwrap()), "{line}");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert!(heads.contains(series.split('{').next().unwrap()), "{line}");
                assert!(lines.insert(series), "{line}");
            }
        }
        assert!(page.ends_with('\n') && lines.len() > 20);
    }

    #[test]
    fn a_label_cannot_break_its_line() {
        let mut page = Page::default();
        page.line("x", &[("a", "\"\\\n")], 1);
        assert_eq!(page.0, "x{a=\"\\\"\\\\\\n\"} 1\n");
    }
}
