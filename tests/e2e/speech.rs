//! Texts that espeak-ng speaks to callers, and what becomes of a call if whoever speaks does not.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::company::{Company, tones};
use tests::phone::Phone;
use tests::ports::Ports;
use tests::process::Process;
use tests::sound;
use tests::switch::{Switch, binary};
use tests::wait::{SOON, until_true};

/// A text that never changes, one of what the caller types, and one in Mandarin, each with a tone behind it.
const FLOW: &str = "version: 1
nodes:
  ask: { collect: { prompt: wrong, into: x, digits: 2, exhausted: hangup }, next: menu }
  menu: { menu: { prompt: nothing, timeout: 1m, keys: { 1: fixed, 2: typed, 8: mandarin }, exhausted: hangup } }
  fixed: { play: [goodbye, { text: { en: 'Welcome to the telephone exchange', zh: 欢迎致电我们公司 } }, goodbye], next: menu }
  typed: { play: [goodbye, { text: { en: 'Your number is {{ x }}', zh: '{{ x }}' } }, goodbye], next: menu }
  mandarin: { language: zh, next: fixed }
";

struct Caller {
    phone: Phone,
    switch: Switch,
    /// Nobody else may have them while these live.
    _ports: Ports,
}

impl Caller {
    /// With espeak-ng behind a script that counts its starts; after `script`, which may keep it from that.
    fn new(script: &str) -> Self {
        let mut ports = Ports::slice();
        let mut company = Company::new(&ports);
        company.languages = vec!["en", "zh"];
        company.flows.insert("spoken", FLOW.to_owned());
        company.numbers.insert("1004", "{ flow: spoken }".to_owned());
        let folder = tempfile::tempdir().expect("a folder").keep();
        let engine = folder.join("engine");
        let log = folder.join("started");
        let text = format!(
            "#!/bin/sh\nread -r text\necho \"$text\" >> {}\n{script}\necho \"$text\" | espeak-ng --stdin --stdout -v \"$1\"\n",
            log.display()
        );
        fs::write(&engine, text).expect("written");
        let status = Command::new("chmod").arg("+x").arg(&engine).status().expect("chmod");
        assert!(status.success());
        company.speech = Some(format!(
            "{{ command: [{}, \"{{voice}}\"], voices: {{ en: en-gb, zh: cmn-latn-pinyin }}, timeout: 2s }}",
            engine.display()
        ));
        let switch = Switch::start(&company);
        let phone = Phone::new(switch.address(), &mut ports);
        let mut caller = Self { phone, switch, _ports: ports };
        caller.phone.call("1004");
        caller.phone.media.wait_for_tone(tones::WRONG, Instant::now(), SOON);
        caller.phone.media.press("42");
        caller.phone.media.wait_for_tone(tones::NOTHING, Instant::now(), SOON);
        // What the company's folder has beside it, so that it is found again.
        fs::write(caller.switch.folder().join("log"), log.display().to_string()).expect("written");
        caller
    }

    fn started(&self) -> Vec<String> {
        let log = fs::read_to_string(self.switch.folder().join("log")).expect("there");
        fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Presses a key, and hears what lies between the two tones, which are one if that is nothing; the menu follows.
    fn between(&self, key: &str) -> Vec<i16> {
        let start = Instant::now();
        self.phone.media.press(key);
        let heard = || self.phone.media.heard_since(start);
        until_true("the tones, and the menu behind them", Duration::from_secs(30), || {
            let heard = heard();
            let first = tones_in(&heard, tones::GOODBYE).first().copied();
            first.is_some_and(|first| !tones_in(&heard[first..], tones::NOTHING).is_empty())
        });
        let heard = heard();
        match tones_in(&heard, tones::GOODBYE)[..] {
            [_] => Vec::new(),
            [first, second] => heard.get(first + sound::samples(0.6)..second).unwrap_or_default().to_vec(),
            ref more => panic!("{more:?}: two tones, or one"),
        }
    }
}

/// Where the tone begins that stands before and behind a text: where it is all that there is for 200 ms, which no speech does.
fn tones_in(heard: &[i16], hertz: f64) -> Vec<usize> {
    let (window, step) = (sound::samples(0.2), sound::samples(0.01));
    let is_tone = |at: &usize| {
        let part = &heard[*at..*at + window];
        let power = part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / window as f64;
        let turn = |n: usize| std::f64::consts::TAU * hertz * n as f64 / 8000.0;
        let sum = |part_of: fn(f64) -> f64| (0..).zip(part).map(|(n, s)| f64::from(*s) * part_of(turn(n))).sum::<f64>();
        let of_tone = (sum(f64::sin).powi(2) + sum(f64::cos).powi(2)) * 2.0 / (window as f64).powi(2);
        power > 1000.0 && of_tone > 0.9 * power
    };
    let found = (0..heard.len().saturating_sub(window)).step_by(step).filter(is_tone);
    found
        .fold((Vec::new(), 0), |(mut begins, last), at| {
            if begins.is_empty() || at > last + step {
                begins.push(at);
            }
            (begins, at)
        })
        .0
}

/// What espeak-ng itself makes of a text: its WAV, read here, with no more of the switch's own code.
fn espeak(voice: &str, text: &str) -> (f64, Vec<f64>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("said.wav");
    let status = Command::new("espeak-ng").args(["-v", voice, "-w"]).arg(&file).arg(text).status().expect("espeak-ng");
    assert!(status.success());
    let wav = fs::read(&file).expect("there");
    let rate = f64::from(u32::from_le_bytes(wav[24..28].try_into().expect("four")));
    let samples: Vec<i16> = wav[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    (samples.len() as f64 / rate, envelope(&samples, rate))
}

/// The loudness in steps of 50 ms.
fn envelope(samples: &[i16], rate: f64) -> Vec<f64> {
    let step = (rate / 20.0) as usize;
    let rms = |chunk: &[i16]| (chunk.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / chunk.len() as f64).sqrt();
    samples.chunks(step).map(rms).collect()
}

/// How alike two curves are, whatever their scale: 1 is the same.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().min(b.len()) as f64;
    let mean = |x: &[f64]| x.iter().take(count as usize).sum::<f64>() / count;
    let (ma, mb) = (mean(a), mean(b));
    let pairs = || a.iter().zip(b).map(|(x, y)| (x - ma, y - mb));
    let sum = |f: fn((f64, f64)) -> f64| pairs().map(f).sum::<f64>();
    sum(|(x, y)| x * y) / (sum(|(x, _)| x * x) * sum(|(_, y)| y * y)).sqrt()
}

fn assert_speaks(heard: &[i16], voice: &str, text: &str) {
    let (seconds, curve) = espeak(voice, text);
    let heard_seconds = heard.len() as f64 / 8000.0;
    assert!((heard_seconds - seconds).abs() < 0.25, "{text}: {heard_seconds:.2} s heard, {seconds:.2} s spoken");
    let best =
        (0..20).map(|shift| correlation(&envelope(heard.get(shift * 100..).unwrap_or_default(), 8000.0), &curve));
    let best = best.fold(f64::MIN, f64::max);
    assert!(best > 0.9, "{text}: the loudness differs: {best:.2}");
    let squares: f64 = heard.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let rms = 20.0 * ((squares / heard.len() as f64).sqrt() / 32_768.0).log10();
    assert!((-32.0..-15.0).contains(&rms), "{text}: {rms:.1} dB");
}

fn reload(switch: &Switch) -> String {
    let config = switch.folder().join("config");
    let output = Command::new(binary()).args(["reload", "--config"]).arg(config).output().expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn callers_hear_what_espeak_speaks_and_a_text_is_spoken_once() {
    let mut caller = Caller::new("");
    let texts = ["Welcome to the telephone exchange", "欢迎致电我们公司"];
    let mut started = caller.started();
    started.sort();
    assert_eq!(started, texts, "both before anybody called");
    assert_speaks(&caller.between("1"), "en-gb", texts[0]);
    assert_speaks(&caller.between("1"), "en-gb", texts[0]);
    assert_eq!(caller.started().len(), 2);
    assert_speaks(&caller.between("2"), "en-gb", "Your number is 42");
    assert_speaks(&caller.between("2"), "en-gb", "Your number is 42");
    assert_eq!(caller.started().len(), 3);
    assert_speaks(&caller.between("8"), "cmn-latn-pinyin", texts[1]);
    assert!(caller.switch.events("unsaid").is_empty());

    // Another text, live, for the next call; the engine speaks that alone.
    let flow = caller.switch.folder().join("config/flows/spoken.yaml");
    let text = fs::read_to_string(&flow).expect("there");
    fs::write(&flow, text.replace(texts[0], "This is something else entirely")).expect("written");
    let told = reload(&caller.switch);
    assert!(told.starts_with("reloaded: flows: 1 changed") && !told.contains("could not be spoken"), "{told}");
    assert_eq!(caller.started().last().map(String::as_str), Some("This is something else entirely"));
    assert_eq!(caller.started().len(), 4);

    // After a restart nothing is spoken again, but for what lies broken on the disk and is still wanted.
    let kept = caller.switch.data().join("speech");
    caller.switch.restart();
    assert_eq!(caller.started().len(), 4);
    for file in fs::read_dir(&kept).expect("there") {
        fs::write(file.expect("a file").path(), "RIFF").expect("written");
    }
    caller.switch.restart();
    assert_eq!(caller.started().len(), 6, "both that the flow has now");
    let files = fs::read_dir(&kept).expect("there").count();
    assert_eq!(files, 3, "texts that never change, and none of what a caller typed");
}

fn costs_the_text_alone(script: &str, why: &str, unspoken: bool) {
    let caller = Caller::new(script);
    let heard = caller.between("2");
    assert!(heard.len() < sound::samples(0.3), "{script}: {} samples between the tones", heard.len());
    let event = caller.switch.wait_for_event("unsaid", 1, SOON);
    assert_eq!(event["why"], why, "{script}");
    // A time may have any digits: so the keys tell that none holds what he typed.
    let keys: Vec<&String> = event.as_object().expect("an event").keys().collect();
    assert_eq!(keys, ["at", "call", "event", "seq", "why"], "{event}");
    // The call goes on.
    let heard = caller.between("1");
    assert_eq!(heard.len() < sound::samples(0.3), unspoken, "{script}");
}

#[test]
fn an_engine_that_fails_or_writes_rubbish_costs_the_text_alone() {
    costs_the_text_alone("exit 1", "failed", true);
    costs_the_text_alone("echo rubbish; exit 0", "rubbish", true);
}

#[test]
fn an_engine_that_hangs_costs_the_text_alone() {
    costs_the_text_alone("case $text in *42*) sleep 1000;; esac", "too_late", false);
}

/// Has espeak-ng speak what is posted to it, as the voice that is named there; says its port, then what it is asked.
const SERVER: &str = r#"
import http.server, json, subprocess
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        print('asked', self.headers['X-Key'], asked['input'], flush=True)
        if 'Nobody' in asked['input']:
            self.send_error(503)
            return
        engine = subprocess.run(['espeak-ng', '--stdin', '--stdout', '-v', asked['voice']], input=asked['input'].encode(), capture_output=True)
        self.send_response(200)
        self.send_header('Content-Type', 'audio/wav')
        self.end_headers()
        self.wfile.write(engine.stdout)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print('port', server.server_port, flush=True)
server.serve_forever()
"#;

#[test]
fn a_web_server_speaks_and_is_told_a_secret_that_nobody_else_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("python3");
    command.args(["-c", SERVER]).stdin(Stdio::null());
    let mut server = Process::start("web", command, folder.path());
    let line = server.wait_for_line("its port", SOON, |line| line.starts_with("port "));
    let port = line.trim_start_matches("port ").trim();
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.languages = vec!["en", "zh"];
    let flow = FLOW.replace("欢迎致电我们公司", "Nobody speaks this");
    company.flows.insert("spoken", flow);
    company.numbers.insert("1004", "{ flow: spoken }".to_owned());
    company.secrets.insert("tts", "s3cr3t".to_owned());
    company.speech = Some(format!(
        "{{ http: {{ post: \"http://127.0.0.1:{port}/speak\", headers: {{ X-Key: {{ secret: tts }} }}, \
         send: {{ input: \"{{text}}\", voice: \"{{voice}}\", speed: 1.0 }} }}, \
         voices: {{ en: en-gb, zh: cmn-latn-pinyin }}, timeout: 5s }}\nsecrets: {{ tts: {{ file: tts }} }}"
    ));
    let switch = Switch::start(&company);
    let phone = Phone::new(switch.address(), &mut ports);
    let mut caller = Caller { phone, switch, _ports: ports };
    caller.phone.call("1004");
    caller.phone.media.wait_for_tone(tones::WRONG, Instant::now(), SOON);
    caller.phone.media.press("42");
    caller.phone.media.wait_for_tone(tones::NOTHING, Instant::now(), SOON);
    assert_speaks(&caller.between("1"), "en-gb", "Welcome to the telephone exchange");
    assert_speaks(&caller.between("2"), "en-gb", "Your number is 42");
    server.wait_for_line("what a caller typed", SOON, |line| line == "asked s3cr3t Your number is 42");
    assert!(caller.switch.events("unsaid").is_empty());
    let heard = caller.between("8");
    assert!(heard.len() < sound::samples(0.3), "{} samples of what the server cannot speak", heard.len());
    assert_eq!(caller.switch.wait_for_event("unsaid", 1, SOON)["why"], "failed");
    // Nowhere but in its own file.
    let output = Command::new("grep").args(["-rl", "s3cr3t"]).arg(caller.switch.data()).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    drop(server);
}

#[test]
fn a_check_without_anybody_who_speaks_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ports = Ports::slice();
    let mut company = Company::new(&ports);
    company.flows.insert("spoken", "version: 1\nnodes:\n  a: { say: Hello, next: hangup }\n".to_owned());
    company.numbers.insert("1004", "{ flow: spoken }".to_owned());
    let _ = &mut ports;
    company.write(folder.path());
    let check = |path: &Path| {
        let output = Command::new(binary()).env("PATH", path).args(["check", "--config"]).arg(folder.path()).output();
        let output = output.expect("the binary runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (good, said) = check(Path::new("/nowhere"));
    assert!(!good && said.contains("nobody can speak this text: `espeak-ng` is not installed"), "{said}");
    let (good, said) = check(Path::new("/usr/local/bin:/usr/bin:/bin"));
    assert!(good, "{said}");
}
