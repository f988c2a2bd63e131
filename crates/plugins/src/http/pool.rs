//! The connections of a service: made when they are needed, kept, and made anew in the background, with pauses while that is in
//! vain. Who comes meanwhile is told at once.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::connection::{About, Connection, connect};
use super::{Line, Settings};
use crate::Fault;

/// How long a connection may be in the making. Who waits for it has his own time-out.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause after the first connection that came to nothing; each further one doubles it.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that ends earlier, with nothing asked, was turned away and not only kept for a while.
const LIVED: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pool {
    state: Mutex<State>,
    /// There is a connection, or the news that there will be none.
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    waiting: usize,
    connecting: usize,
    /// One connection is enough for several questions; under TLS that is supposed until one was made.
    shared: bool,
    /// Why there is no connection: told to whoever asks, until another one was tried.
    down: Option<Fault>,
    /// Connections in a row that came to nothing.
    barren: u32,
}

impl State {
    /// How long to wait before the next attempt.
    fn pause(&self) -> Duration {
        match self.barren {
            0 => Duration::ZERO,
            failed => LONGEST_PAUSE.min(PAUSE * 2_u32.pow(failed.min(8) - 1)),
        }
    }

    fn came_to_nothing(&mut self, fault: &Fault) {
        self.barren = self.barren.saturating_add(1);
        self.idle.retain(|connection| !connection.is_closed());
        if self.idle.is_empty() {
            self.down = Some(fault.clone());
        }
    }

    fn take(&mut self) -> Option<Connection> {
        self.idle.retain(|connection| !connection.is_closed());
        let connection = self.idle.pop()?;
        self.idle.extend(connection.share());
        Some(connection)
    }
}

impl Pool {
    pub fn new(settings: &Settings) -> Self {
        let state = State { shared: settings.origin.is_https(), ..State::default() };
        Self { state: Mutex::new(state), news: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a connection, unless there is one.
    pub fn warm(line: &Arc<Line>) {
        let mut state = line.pool.state();
        state.idle.retain(|connection| !connection.is_closed());
        if state.idle.is_empty() && state.connecting == 0 {
            state.connecting = 1;
            let pause = state.pause();
            drop(state);
            open(line, pause);
        }
    }

    /// A connection that takes a question.
    ///
    /// # Errors
    /// Why there is none, if that is known.
    pub async fn lease(line: &Arc<Line>) -> Result<Connection, Fault> {
        loop {
            // Before the look, so that no news is missed.
            let news = line.pool.news.notified();
            match line.pool.look() {
                Look::Found(mut connection) => {
                    if connection.is_ready().await {
                        return Ok(connection);
                    }
                }
                Look::Down(fault) => return Err(fault),
                Look::None { opens } => {
                    // Counted off however the wait ends.
                    let _waiting = Waiting(&line.pool);
                    if opens {
                        open(line, Duration::ZERO);
                    }
                    news.await;
                }
            }
        }
    }

    fn look(&self) -> Look {
        let mut state = self.state();
        if let Some(connection) = state.take() {
            return Look::Found(connection);
        }
        if let Some(fault) = &state.down {
            return Look::Down(fault.clone());
        }
        state.waiting += 1;
        let opens = state.connecting < if state.shared { 1 } else { state.waiting };
        state.connecting += usize::from(opens);
        Look::None { opens }
    }

    /// Takes a connection back whose answer was read to its end.
    pub fn give_back(line: &Arc<Line>, connection: Connection) {
        let mut state = line.pool.state();
        state.barren = 0;
        if !connection.is_shared() {
            state.idle.push(connection);
        }
        drop(state);
        line.pool.news.notify_waiters();
        // The service may have ended it by now.
        Self::warm(line);
    }

    /// A question over a new connection had no answer: that one came to nothing.
    pub fn came_to_nothing(line: &Arc<Line>, fault: &Fault) {
        line.pool.state().came_to_nothing(fault);
        line.pool.news.notify_waiters();
        Self::warm(line);
    }

    /// Leaves a connection that others share to those who still wait for answers on it.
    pub fn retire_shared(&self) {
        self.state().idle.retain(|connection| !connection.is_shared());
    }

    /// A connection has ended.
    fn ended(line: &Arc<Line>, about: &About, fault: &Fault) {
        let [asked, answered, given_up] =
            [&about.asked, &about.answered, &about.given_up].map(|flag| flag.load(Ordering::Relaxed));
        match asked {
            // Who asked over it is told, and says what comes of that.
            true if !answered && !given_up => {}
            false if about.since.elapsed() < LIVED => Self::came_to_nothing(line, fault),
            _ => Self::warm(line),
        }
    }
}

/// What there is for whoever wants a connection.
enum Look {
    Found(Connection),
    /// None, for a reason that is known.
    Down(Fault),
    /// None yet. He waits, and maybe has to open one.
    None {
        opens: bool,
    },
}

struct Waiting<'a>(&'a Pool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// Makes a connection in the background, however often that fails, as long as the service is there and no other one is being
/// made. `connecting` counts it already.
fn open(line: &Arc<Line>, pause: Duration) {
    let (weak, mut pause) = (Arc::downgrade(line), pause);
    line.runtime.spawn(async move {
        loop {
            tokio::time::sleep(pause).await;
            let Some(line) = weak.upgrade() else { return };
            let its = weak.clone();
            let end = move |about: &About, fault: &Fault| {
                if let Some(line) = its.upgrade() {
                    Pool::ended(&line, about, fault);
                }
            };
            let late =
                || Fault::Connect(format!("{}: no connection in {} s", line.settings.origin, PATIENCE.as_secs()));
            let made = tokio::time::timeout(PATIENCE, connect(&line.settings, Arc::clone(&line.lookups), end)).await;
            let made = made.unwrap_or_else(|_| Err(late()));
            let mut state = line.pool.state();
            let is_made = match made {
                Ok(connection) => {
                    state.shared = connection.is_shared();
                    state.down = None;
                    state.idle.push(connection);
                    true
                }
                Err(fault) => {
                    state.came_to_nothing(&fault);
                    false
                }
            };
            // Of several that fail one goes on.
            let goes_on = !is_made && state.connecting == 1;
            state.connecting -= usize::from(!goes_on);
            pause = state.pause();
            drop(state);
            line.pool.news.notify_waiters();
            if !goes_on {
                return;
            }
        }
    });
}
