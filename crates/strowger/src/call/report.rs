//! Words for what happens in a call, its figures, and its exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use base::Mono;
use leg::Stats;
use phone::{Ending, Hearing, Milestone, Outcome, Side, Step};
use sip::Flow;

const REFUSED: u8 = 1;
/// The exit code of a call without an answer.
pub(super) const NO_ANSWER: u8 = 3;

/// Prints a line. A closed standard output ends no call.
pub(super) fn tell(milestone: &Milestone, flow: Flow) {
    let seconds = milestone.at.since(Mono::ZERO).as_secs_f64();
    say(&format!("{seconds:8.3}  {}", words(&milestone.step, flow)));
}

/// Prints the figures of the media.
pub(super) fn sum_up(outcome: &Outcome, hearing: &Hearing) {
    if let Some(stats) = outcome.media.filter(|stats| stats.sent + stats.received > 0) {
        say(&media(&stats));
        say(&heard(hearing));
    }
}

/// What the process says of the call.
pub(super) fn exit_code(ending: &Ending) -> ExitCode {
    match ending {
        Ending::HungUp { .. } => ExitCode::SUCCESS,
        Ending::Refused { .. } | Ending::BadAnswer => REFUSED.into(),
        Ending::Unreachable | Ending::RangOut | Ending::GaveUp | Ending::Broken | Ending::NoPort => NO_ANSWER.into(),
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn words(step: &Step, flow: Flow) -> String {
    match step {
        Step::Calling => format!("calling {} {}", flow.transport.name(), flow.remote),
        Step::Trying => "trying".to_owned(),
        Step::Ringing { status: 180 } => "ringing".to_owned(),
        Step::Ringing { status } => format!("progress {status}"),
        Step::EarlyMedia => "early media".to_owned(),
        Step::Encrypted(suite) => format!("encrypted by {suite}"),
        Step::Answered => "answered".to_owned(),
        Step::FirstAudio => "first audio received".to_owned(),
        Step::Pressed(digit) => format!("pressed {digit}"),
        Step::NoDigits => "the other side takes no digits by RFC 4733: none are pressed".to_owned(),
        Step::Received(digit) => format!("received digit {digit}"),
        Step::Changed => "session changed by the other side".to_owned(),
        Step::Silent => "nothing is received".to_owned(),
        Step::Over(ending) => how(ending),
    }
}

fn how(ending: &Ending) -> String {
    match ending {
        Ending::HungUp { by: Side::Us, .. } => "hung up by this phone".to_owned(),
        Ending::HungUp { by: Side::Them, reason: None } => "hung up by the other side".to_owned(),
        Ending::HungUp { by: Side::Them, reason: Some(reason) } => {
            format!("hung up by the other side, Reason: {}", plain(reason))
        }
        Ending::Refused { status, reason } => format!("refused: {status} {}", plain(reason)),
        Ending::Unreachable => "no answer: nobody answers there".to_owned(),
        Ending::RangOut => "no answer: it rang for too long".to_owned(),
        Ending::GaveUp => "no answer: given up".to_owned(),
        Ending::BadAnswer => "answered with media that cannot be met: hung up".to_owned(),
        Ending::Broken => "cut off: the other side does not answer any more".to_owned(),
        Ending::NoPort => "no port for audio".to_owned(),
    }
}

/// A stranger's text without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|symbol| if symbol.is_control() { '\u{fffd}' } else { symbol }).collect()
}

fn media(stats: &Stats) -> String {
    let Stats { sent, received, lost, discarded, concealed, strangers, .. } = stats;
    let jitter = f64::from(stats.jitter_us) / 1000.0;
    let mut line = format!(
        "media: sent {sent} packets, received {received}, lost {lost}, late {discarded}, jitter {jitter:.1} ms"
    );
    if *concealed > 0 {
        line += &format!(", filled in {concealed} times 20 ms");
    }
    let refused = stats.unauthentic + stats.replayed;
    if refused > 0 {
        line += &format!(", {refused} packets that did not prove themselves");
    }
    if *strangers > 0 {
        line += &format!(", {strangers} strangers' packets");
    }
    if stats.remote_loss > 0 {
        line += &format!(", the other side lost {:.1} %", f64::from(stats.remote_loss) / 2.56);
    }
    if let Some(trip) = stats.round_trip_us {
        line += &format!(", round trip {:.1} ms", f64::from(trip) / 1000.0);
    }
    line
}

fn heard(hearing: &Hearing) -> String {
    let (sound, length) = (hearing.sound.as_secs_f64(), hearing.length.as_secs_f64());
    if hearing.sound.is_zero() {
        return format!("heard: nothing but silence in {length:.1} s");
    }
    let Hearing { level_dbfs, peak_dbfs, .. } = hearing;
    format!("heard: sound for {sound:.1} of {length:.1} s, level {level_dbfs:.1} dBFS, peak {peak_dbfs:.1} dBFS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_has_its_exit_code() {
        let code = |ending| exit_code(&ending);
        assert_eq!(code(Ending::HungUp { by: Side::Them, reason: None }), ExitCode::SUCCESS);
        assert_eq!(code(Ending::Refused { status: 486, reason: String::new() }), ExitCode::from(1));
        assert_eq!(code(Ending::Unreachable), ExitCode::from(3));
        assert_eq!(code(Ending::Broken), ExitCode::from(3));
    }

    #[test]
    fn a_strangers_text_does_not_command_the_terminal() {
        let refused = Ending::Refused { status: 486, reason: "Busy\u{1b}[2J".to_owned() };
        assert_eq!(how(&refused), "refused: 486 Busy\u{fffd}[2J");
    }
}
