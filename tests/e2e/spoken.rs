//! Numbers and dates as a caller hears them, in the language that he chose: sample by sample the recordings that the words
//! are made of, one behind the other.

use std::time::{Duration, Instant};

use tests::company::{Company, clip, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::sound;
use tests::switch::Switch;
use tests::wait::{self, SOON, pause};

/// Asks for a number and says it, and after a 2 as a date; 8 chooses Mandarin.
const FLOW: &str = "version: 1
nodes:
  ask: { collect: { prompt: wrong, into: x, digits: 1-8, exhausted: hangup }, next: number }
  number: { play: [goodbye, { number: x }, goodbye], next: menu }
  date: { play: [goodbye, { silence: 100ms }, { date: x }, goodbye], next: menu }
  menu: { menu: { prompt: nothing, timeout: 1m, keys: { 1: number, 2: date, 8: mandarin, 9: ask }, exhausted: hangup } }
  mandarin: { language: zh, next: menu }
";

/// What the line carries of a recording: both ways through µ-law (the phone offers it first).
fn line(sound: &[i16]) -> impl Iterator<Item = i16> {
    sound.iter().map(|sample| sound::from_ulaw(sound::to_ulaw(*sample)))
}

struct Caller {
    phone: Phone,
    _switch: Switch,
}

impl Caller {
    fn new() -> Self {
        let mut ports = Ports::slice();
        let mut company = Company::new(&ports);
        company.languages = vec!["en", "zh"];
        company.flows.insert("spoken", FLOW.to_owned());
        company.numbers.insert("1004", "{ flow: spoken }".to_owned());
        let switch = Switch::start(&company);
        let mut phone = Phone::new(switch.address(), &mut ports);
        phone.call("1004");
        Self { phone, _switch: switch }
    }

    fn chooses_mandarin(&self) {
        let start = Instant::now();
        self.phone.media.press("8");
        self.phone.media.wait_for_tone(tones::NOTHING, start, SOON);
        pause(Duration::from_millis(800));
    }

    /// Presses keys, and hears these clips between two tones, then the menu.
    fn hears(&self, keys: &str, language: &str, silence: Duration, clips: &[&str]) {
        let start = Instant::now();
        self.phone.media.press(keys);
        self.phone.media.wait_for_tone(tones::GOODBYE, start, SOON);
        wait::until_true("the menu behind it", Duration::from_secs(30), || {
            sound::heard(&self.phone.media.heard_since(start), tones::NOTHING).is_some()
        });
        // Until nothing more comes.
        pause(Duration::from_millis(800));
        let tone = sound::sine(tones::GOODBYE, 0.6);
        let words = clips.iter().flat_map(|name| sound::read_wav(&clip(language, name)).remove(0));
        let words: Vec<i16> = words.collect();
        let pause = vec![0; sound::samples(silence.as_secs_f64())];
        let expected: Vec<i16> = line(&[&tone[..], &pause, &words, &tone].concat()).collect();
        let heard = self.phone.media.heard_since(start);
        let from = sound::samples(sound::heard(&heard, tones::GOODBYE).expect("the tone").from);
        let same =
            |at: usize| heard.get(at..).map_or(0, |rest| rest.iter().zip(&expected).filter(|(a, b)| a == b).count());
        let at = (from.saturating_sub(400)..from + 400).max_by_key(|at| same(*at)).expect("a place");
        let share = same(at) as f64 / expected.len() as f64;
        // A packet or two may be lost on a busy machine; a clip that is missing would move all behind it.
        assert!(share > 0.95, "{keys} in {language}: {:.1} % of {} samples", share * 100.0, expected.len());
        let rest = &heard[(at + expected.len()).min(heard.len())..];
        let menu = sound::heard(rest, tones::NOTHING).expect("the menu").from;
        assert!(menu < 0.1, "{keys} in {language}: the menu follows at once, not after {menu} s");
    }
}

#[test]
fn a_number_and_a_date_are_heard_in_each_language_and_the_language_changes_in_mid_call() {
    let caller = Caller::new();
    let none = Duration::ZERO;
    let english = ["numbers/2", "numbers/hundred", "numbers/and", "numbers/15"];
    caller.hears("215#", "en", none, &english);
    caller.hears("1", "en", none, &english);
    caller.chooses_mandarin();
    caller.hears("1", "zh", none, &["numbers/2", "numbers/hundred", "numbers/1", "numbers/10", "numbers/5"]);
    let number = [
        "numbers/liang",
        "numbers/thousand",
        "numbers/0",
        "numbers/2",
        "numbers/10",
        "numbers/6",
        "numbers/wan",
        "numbers/1",
        "numbers/thousand",
        "numbers/1",
        "numbers/hundred",
        "numbers/2",
        "numbers/10",
        "numbers/6",
    ];
    caller.hears("920261126", "zh", none, &number);
    let date = [
        "numbers/2",
        "numbers/0",
        "numbers/2",
        "numbers/6",
        "dates/nian",
        "numbers/10",
        "numbers/1",
        "dates/yue",
        "numbers/2",
        "numbers/10",
        "numbers/6",
        "dates/ri",
        "weekdays/4",
    ];
    caller.hears("2", "zh", Duration::from_millis(100), &date);

    let caller = Caller::new();
    let number = [
        "numbers/20",
        "numbers/million",
        "numbers/2",
        "numbers/hundred",
        "numbers/and",
        "numbers/60",
        "numbers/1",
        "numbers/thousand",
        "numbers/1",
        "numbers/hundred",
        "numbers/and",
        "numbers/20",
        "numbers/6",
    ];
    caller.hears("20261126", "en", none, &number);
    let date = [
        "weekdays/4",
        "dates/the",
        "numbers/20",
        "ordinals/6",
        "dates/of",
        "months/11",
        "numbers/20",
        "numbers/20",
        "numbers/6",
    ];
    caller.hears("2", "en", Duration::from_millis(100), &date);
}
