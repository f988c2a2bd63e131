//! The report of a centre's day as one page of HTML: tables, and charts as SVG. It loads nothing from anywhere.

use std::fmt::Write as _;

use journal::kpi::{Figures, WAIT_STEPS};

use super::summary::Outcome;
use super::summary::{percent, span};
use super::tally::{agents, busy};

/// The size of a chart, in units of its own.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 240.0;
/// Room for the words at its sides.
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 12.0;
/// Steps of the scale at its side.
const STEPS: u32 = 4;
/// At most so many words stand below a chart.
const WORDS: usize = 24;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#1b2430}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse;width:100%;font-size:.9em}\
th,td{padding:.25em .6em;text-align:right;border-bottom:1px solid #dde3ea}th:first-child,td:first-child{text-align:left}\
svg{width:100%;height:auto;background:#f7f9fb}svg text{font:11px system-ui,sans-serif;fill:#55606e}\
.key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}.bad{color:#a3231f}";

/// The colours of the kinds: told apart in grey, too.
const GOOD: &str = "#2f7d62";
const LOST: &str = "#c9563c";
const OTHER: &str = "#b9c2cc";
const LINE: &str = "#20599c";

impl Outcome {
    /// A page with everything, under the title `about`.
    #[must_use]
    pub fn html(&self, about: &str, seed: u64) -> String {
        let tally = &self.tally;
        let title = escaped(about);
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
             <h1>{title}</h1>\n<p>{} calls in {} of virtual time, {} SIP messages, seed {seed}.</p>\n",
            tally.calls,
            span(self.lasted),
            self.messages
        );
        for (at, breach) in &self.breaches {
            let _ = writeln!(page, "<p class=\"bad\">Broken at {}: {}</p>", span(*at), escaped(&breach.to_string()));
        }
        let hours: Vec<String> = (0..tally.hours.len()).map(|hour| self.hour(hour)).collect();
        let of = |figure: fn(&Figures) -> u64| tally.hours.iter().map(|row| number(figure(row))).collect::<Vec<f64>>();
        let calls = [
            ("answered", GOOD, of(|row| row.answered)),
            ("abandoned", LOST, of(|row| row.abandoned)),
            ("others", OTHER, of(Figures::others)),
        ];
        section(
            &mut page,
            "Calls by the hour in which they came",
            &calls.each_ref().map(|(name, colour, _)| (*name, *colour)),
            &bars(&hours, &calls),
        );
        let level: Vec<Option<f64>> =
            tally.hours.iter().map(|row| row.service_level().map(|level| level * 100.0)).collect();
        section(
            &mut page,
            "Service level: answered in time, % of answered and abandoned",
            &[("service level", LINE)],
            &lines(&hours, 100.0, &[(LINE, level)]),
        );
        let staff = |figure: fn(&Figures) -> f64| tally.hours.iter().map(|row| Some(figure(row))).collect::<Vec<_>>();
        let (here, busy) = (staff(agents), staff(busy));
        let most = scale(here.iter().flatten().fold(1.0, |most: f64, count| most.max(*count)));
        section(
            &mut page,
            "Agents at work, and busy",
            &[("at work", LINE), ("busy", GOOD)],
            &lines(&hours, most, &[(LINE, here), (GOOD, busy)]),
        );
        let waits: Vec<String> = (0..=WAIT_STEPS.len()).map(wait).collect();
        let counts = tally.all.waits.iter().map(|count| number(*count)).collect();
        section(
            &mut page,
            "How long those waited who were answered",
            &[("calls", GOOD)],
            &bars(&waits, &[("calls", GOOD, counts)]),
        );
        page.push_str("<h2>Queues</h2>\n");
        let queues = tally.queues.iter().map(|(name, figures)| (name.clone(), figures));
        table(&mut page, "queue", queues.chain([("all".to_owned(), &tally.all)]));
        page.push_str("<h2>Hours</h2>\n");
        table(&mut page, "hour", tally.hours.iter().enumerate().map(|(hour, row)| (self.hour(hour), row)));
        page.push_str(
            "<p>As reports define them: SL: answered in time, of those answered and abandoned. ASA: mean wait of those answered. \
             AHT: mean of talk, hold and wrap-up. Abandoned, in %: of all offered, without those who gave up within 5 s. \
             Occupancy: of the time for which agents were at work, that in calls and wrap-up.</p>\n</body></html>\n",
        );
        page
    }
}

fn section(page: &mut String, title: &str, keys: &[(&str, &str)], chart: &str) {
    let _ = write!(page, "<h2>{}</h2>\n<p>", escaped(title));
    for (name, colour) in keys {
        let _ = write!(page, "<span class=\"key\" style=\"background:{colour}\"></span>{}", escaped(name));
    }
    let _ = writeln!(page, "</p>\n{chart}");
}

fn table<'a>(page: &mut String, first: &str, rows: impl Iterator<Item = (String, &'a Figures)>) {
    let heads = ["offered", "answered", "abandoned", "others", "SL", "ASA", "AHT", "longest wait", "occupancy"];
    let _ = write!(page, "<table><tr><th>{first}</th>");
    heads.iter().for_each(|head| page.push_str(&format!("<th>{head}</th>")));
    page.push_str("</tr>\n");
    let seconds = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), |time| format!("{time:.1} s"));
    for (name, figures) in rows {
        let cells = [
            figures.offered.to_string(),
            figures.answered.to_string(),
            format!("{} ({})", figures.abandoned, percent(figures.abandonment())),
            figures.others().to_string(),
            percent(figures.service_level()),
            seconds(figures.speed_of_answer()),
            seconds(figures.handle_time()),
            seconds(Some(number(figures.longest_wait_ms) / 1_000.0)),
            percent(figures.occupancy()),
        ];
        let _ = write!(page, "<tr><td>{}</td>", escaped(&name));
        cells.iter().for_each(|cell| page.push_str(&format!("<td>{cell}</td>")));
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n");
}

/// Stacked bars, one of each list a place.
fn bars(places: &[String], stacks: &[(&str, &str, Vec<f64>)]) -> String {
    let total = |at: usize| stacks.iter().filter_map(|(_, _, values)| values.get(at)).sum::<f64>();
    let most = scale((0..places.len()).map(total).fold(1.0, f64::max));
    let mut chart = frame(places, most);
    let step = step(places.len());
    for at in 0..places.len() {
        let mut top = HEIGHT - BOTTOM;
        for (_, colour, values) in stacks {
            let height = values.get(at).copied().unwrap_or_default() / most * (HEIGHT - BOTTOM - TOP);
            top -= height;
            let x = step.mul_add(float(at) + 0.15, LEFT);
            let _ = write!(
                chart,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>",
                step * 0.7
            );
        }
    }
    chart.push_str("</svg>");
    chart
}

/// Lines over the places; where there is no value there is a gap.
fn lines(places: &[String], most: f64, all: &[(&str, Vec<Option<f64>>)]) -> String {
    let mut chart = frame(places, most);
    let step = step(places.len());
    for (colour, values) in all {
        let (mut path, mut drawing) = (String::new(), false);
        for (at, value) in values.iter().enumerate() {
            let Some(value) = value else {
                drawing = false;
                continue;
            };
            let (x, y) = (step.mul_add(float(at) + 0.5, LEFT), height(*value, most));
            let _ = write!(path, "{}{x:.1} {y:.1}", if drawing { "L" } else { "M" });
            let _ = write!(chart, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
            drawing = true;
        }
        let _ = write!(chart, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
    }
    chart.push_str("</svg>");
    chart
}

/// The end of a scale that reaches `most`, so that its steps are numbers that people count by.
fn scale(most: f64) -> f64 {
    let least = most / f64::from(STEPS);
    let tens = 10.0_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0].into_iter().map(|step| step * tens).find(|step| *step >= least);
    step.unwrap_or(10.0 * tens) * f64::from(STEPS)
}

/// A chart with its scale and the words below, still open.
fn frame(places: &[String], most: f64) -> String {
    let mut chart = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for line in 0..=STEPS {
        let value = most * f64::from(line) / f64::from(STEPS);
        let y = height(value, most);
        let shown = if most < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") };
        let _ = write!(
            chart,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dde3ea\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{shown}</text>",
            LEFT - 6.0,
            y + 4.0
        );
    }
    let every = places.len().div_ceil(WORDS).max(1);
    for (at, place) in places.iter().enumerate().step_by(every) {
        let x = step(places.len()).mul_add(float(at) + 0.5, LEFT);
        let _ = write!(
            chart,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 9.0,
            escaped(place)
        );
    }
    chart
}

fn height(value: f64, most: f64) -> f64 {
    let share = if most > 0.0 { value / most } else { 0.0 };
    HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
}

fn step(places: usize) -> f64 {
    (WIDTH - LEFT) / float(places.max(1))
}

fn wait(at: usize) -> String {
    match WAIT_STEPS.get(at) {
        Some(0) => "at once".to_owned(),
        Some(most) => format!("≤ {most} s"),
        None => "longer".to_owned(),
    }
}

fn float(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}

#[allow(clippy::cast_precision_loss, reason = "counts of a day are far below 2⁵³")]
const fn number(count: u64) -> f64 {
    count as f64
}

/// A text as it may stand in HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_where_people_would_have_it_end() {
        for (most, end) in
            [(1.0, 1.0), (3.0, 4.0), (4.0, 4.0), (47.0, 80.0), (100.0, 100.0), (667.0, 800.0), (1_001.0, 2_000.0)]
        {
            assert!((scale(most) - end).abs() < 1e-9, "{most}: {}", scale(most));
        }
    }

    #[test]
    fn bars_stand_on_each_other_and_a_line_has_gaps() {
        let places = ["a".to_owned(), "<b>".to_owned()];
        let chart = bars(&places, &[("one", GOOD, vec![1.0, 4.0]), ("two", LOST, vec![3.0, 0.0])]);
        // The chart is 200 high and ends at 4: from the ground at 212, a quarter and three quarters.
        for part in [
            "y=\"162.0\" width",
            "height=\"50.0\"",
            "y=\"12.0\" width",
            "height=\"150.0\"",
            "height=\"200.0\"",
            "&lt;b&gt;",
        ] {
            assert!(chart.contains(part), "{part}: {chart}");
        }
        let chart = lines(&places, 4.0, &[(LINE, vec![Some(2.0), None, Some(4.0), Some(0.0)])]);
        assert!(chart.contains("M267.0 112.0M1111.0 12.0L1533.0 212.0"), "{chart}");
    }
}
