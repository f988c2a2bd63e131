//! The threads that speak, and what they are asked.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use audio::Prompt;
use base::Pii;
use crossbeam_channel::{Receiver, Sender, bounded};
use fetch::Patient;

use crate::program;
use crate::recent::Recent;
use crate::settings::Key;
use crate::shelf::Shelf;
use crate::words::Words;
use crate::{Engine, Fault, Settings};

/// Threads that speak. An engine takes a core or asks another machine; more at once make each later.
const THREADS: usize = 3;

/// Texts that may wait.
const WAITING: usize = 64;

/// So many texts one after the other that take too long or cannot be begun: the engine is not there, and those that are left
/// are not waited for.
const GIVE_UP: usize = 3;

/// The longest that texts that are known before anybody calls may take each: nobody waits for them.
const PATIENCE: Duration = Duration::from_secs(20);

/// A text, in its language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utterance {
    /// The language, by the company's name for it.
    pub language: Arc<str>,
    /// The words.
    pub text: Pii<Arc<str>>,
}

/// So many texts wait that there is no room for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many texts wait to be spoken")]
pub struct Busy;

/// Told what came of a text.
type Reply = Box<dyn FnOnce(Result<Prompt, Fault>) + Send>;

struct Ask {
    utterance: Utterance,
    /// It is kept on disk.
    keep: bool,
    /// If it has a time of its own; else it has as long as any from when its turn comes.
    due: Option<Instant>,
    reply: Reply,
}

/// The way to the threads that speak. They end when it is dropped.
#[derive(Debug)]
pub struct Speaker {
    asks: Sender<Ask>,
    desk: Arc<Desk>,
}

/// What the threads have in common.
struct Desk {
    settings: Mutex<Arc<Settings>>,
    shelf: Shelf,
    work: Mutex<Work>,
    /// Asks web servers; made when the first one is asked.
    patient: OnceLock<Patient>,
}

#[derive(Default)]
struct Work {
    recent: Recent,
    /// What is being spoken, each with those who want it, too.
    under_way: BTreeMap<Key, Vec<Reply>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Speaker {
    /// Starts the threads. What is kept lies in `folder`, which is made when it is needed.
    ///
    /// # Errors
    /// If the system has no thread.
    pub fn start(settings: Settings, folder: &Path) -> io::Result<Self> {
        let (asks, asked) = bounded(WAITING);
        let desk = Arc::new(Desk {
            settings: Mutex::new(Arc::new(settings)),
            shelf: Shelf::new(folder.to_owned()),
            work: Mutex::default(),
            patient: OnceLock::new(),
        });
        for number in 0..THREADS {
            let (desk, asked) = (Arc::clone(&desk), asked.clone());
            std::thread::Builder::new().name(format!("speech-{number}")).spawn(move || desk.serve(&asked))?;
        }
        Ok(Self { asks, desk })
    }

    /// Speaks by these settings from now on.
    pub fn set(&self, settings: Settings) {
        *lock(&self.desk.settings) = Arc::new(settings);
    }

    /// Has a text spoken, without waiting. `reply` is told what came of it, on one of the threads.
    ///
    /// # Errors
    /// If there is no room; then `reply` is told nothing.
    pub fn ask(
        &self,
        utterance: Utterance,
        reply: impl FnOnce(Result<Prompt, Fault>) + Send + 'static,
    ) -> Result<(), Busy> {
        let due = Some(Instant::now() + self.desk.settings().deadline);
        let ask = Ask { utterance, keep: false, due, reply: Box::new(reply) };
        self.asks.try_send(ask).map_err(|_| Busy)
    }

    /// Speaks texts that are the same for all callers, unless they are kept from before, and waits for them. What came of
    /// each, in their order.
    #[must_use]
    pub fn prepare(&self, utterances: &[Utterance]) -> Vec<Result<Prompt, Fault>> {
        let mut outcomes = vec![Err(Fault::TooLate); utterances.len()];
        let (mut sent, mut failed) = (0, 0);
        // A handful at a time, so that callers' texts find room between them, and an engine that is not there is noticed.
        for batch in utterances.chunks(THREADS) {
            if failed >= GIVE_UP && !self.is_any_kept(batch) {
                sent += batch.len();
                continue;
            }
            let (told, outcome) = channel();
            for (at, utterance) in (sent..).zip(batch) {
                let told = told.clone();
                let reply = Box::new(move |outcome| drop(told.send((at, outcome))));
                let ask = Ask { utterance: utterance.clone(), keep: true, due: None, reply };
                let _ = self.asks.send(ask);
            }
            drop(told);
            for (at, outcome) in outcome {
                match outcome {
                    Err(Fault::TooLate | Fault::NotStarted) => failed += 1,
                    _ => failed = 0,
                }
                if let Some(slot) = outcomes.get_mut(at) {
                    *slot = outcome;
                }
            }
            sent += batch.len();
        }
        self.desk.shelf.tidy();
        outcomes
    }

    fn is_any_kept(&self, batch: &[Utterance]) -> bool {
        let settings = self.desk.settings();
        let key = |one: &Utterance| settings.key(&one.language, one.text.reveal());
        batch.iter().any(|one| self.desk.shelf.get(&key(one)).is_some())
    }
}

impl Desk {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    fn serve(&self, asked: &Receiver<Ask>) {
        for ask in asked {
            self.answer(ask);
        }
    }

    fn answer(&self, ask: Ask) {
        let settings = self.settings();
        let key = settings.key(&ask.utterance.language, ask.utterance.text.reveal());
        {
            let mut work = lock(&self.work);
            if let Some(waiting) = work.under_way.get_mut(&key) {
                waiting.push(ask.reply);
                return;
            }
            let recent = if ask.keep { None } else { work.recent.get(&key) };
            if let Some(prompt) = recent {
                drop(work);
                return (ask.reply)(Ok(prompt));
            }
            work.under_way.insert(key, vec![ask.reply]);
        }
        let due = ask.due.unwrap_or_else(|| Instant::now() + settings.deadline.max(PATIENCE));
        let outcome = self.make(&settings, &key, &ask.utterance, ask.keep, due);
        let mut work = lock(&self.work);
        if let Ok(prompt) = &outcome
            && !ask.keep
        {
            work.recent.put(key, prompt.clone());
        }
        let waiting = work.under_way.remove(&key).unwrap_or_default();
        drop(work);
        waiting.into_iter().for_each(|reply| reply(outcome.clone()));
    }

    fn make(
        &self,
        settings: &Settings,
        key: &Key,
        utterance: &Utterance,
        keep: bool,
        due: Instant,
    ) -> Result<Prompt, Fault> {
        let kept = if keep { self.shelf.get(key) } else { None };
        if let Some(prompt) = kept {
            return Ok(prompt);
        }
        if Instant::now() >= due {
            return Err(Fault::TooLate);
        }
        let Utterance { language, text } = utterance;
        let words = Words { voice: settings.voice(language), language, text: text.reveal() };
        let file = match &settings.engine {
            Engine::Nobody => return Err(Fault::NoEngine),
            Engine::Command(command) => program::run(command, &words, due)?,
            Engine::Web(web) => web.speak(self.patient.get_or_init(Patient::new), &words, due)?,
        };
        let samples = audio::speech_samples(&file).map_err(|_| Fault::Rubbish)?;
        // What cannot be kept is spoken all the same, and made again at the next start.
        let _ = if keep { self.shelf.put(key, &samples) } else { Ok(()) };
        Ok(Prompt::from_samples(&samples))
    }
}

/// What a thread that panicked held is whole: it is changed in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
