//! What agents say after a call: what came of it, that they are done, that they want more time.
//!
//! Where agents say what came of calls, a call's books stay open until their wrap-up is over: the word belongs to its record.

use std::sync::Arc;

use acd::{AgentName, WrapUpFault};
use base::{CallId, Now};
use journal::{Disposed, Kind, StatusBy};
use routing::Happened;

use crate::duty::NotSaid;
use crate::switch::Switch;

/// The book of a call that is over.
#[derive(Debug)]
pub(crate) struct OpenBook {
    /// Number of its next event.
    pub seq: u32,
    /// Agents who are in the wrap-up of it.
    pub wrap_ups: u32,
}

impl Switch {
    pub(crate) fn wrap_up_began(&mut self, call: CallId) {
        if self.config.duties.dispositions.is_empty() {
            return;
        }
        if let Some(found) = self.calls.get_mut(&call) {
            found.wrap_ups += 1;
        }
    }

    pub(crate) fn wrap_up_ended(&mut self, now: Now, call: CallId) {
        if let Some(found) = self.calls.get_mut(&call) {
            found.wrap_ups = found.wrap_ups.saturating_sub(1);
        } else if let Some(book) = self.open_books.remove(&call) {
            self.close_book(now, call, OpenBook { wrap_ups: book.wrap_ups.saturating_sub(1), ..book });
        }
    }

    /// The end of a call with what the agent said that came of it.
    pub(crate) fn with_disposition(&mut self, agent: &AgentName, call: CallId, happened: Happened) -> Happened {
        match happened {
            Happened::Ended { talk_ms, .. } => {
                let said = self.disposed.remove(agent).filter(|(of, _)| *of == call);
                Happened::Ended { talk_ms, disposition: said.map(|(_, code)| code.to_string()) }
            }
            other => other,
        }
    }

    /// Nothing is left of a call: its last event is written, unless somebody may still say what came of it.
    pub(crate) fn close_book(&mut self, now: Now, call: CallId, mut book: OpenBook) {
        if book.wrap_ups > 0 {
            self.open_books.insert(call, book);
        } else {
            self.book.write(now, call, &mut book.seq, Kind::CallEnded { cut: false });
        }
    }

    /// The switch ends: nobody says anything any more.
    pub(crate) fn close_books(&mut self, now: Now) {
        for (call, book) in std::mem::take(&mut self.open_books) {
            self.close_book(now, call, OpenBook { wrap_ups: 0, ..book });
        }
    }

    /// What came of the agent's call, which he has or which has just ended. Of several words the last one counts.
    pub(crate) fn dispose(
        &mut self,
        now: Now,
        agent: &AgentName,
        disposition: &Arc<str>,
        by: StatusBy,
        who: &str,
    ) -> Result<(), NotSaid> {
        if !self.config.duties.dispositions.contains_key(disposition) {
            return Err(NotSaid::NoSuchDisposition);
        }
        let call = self.acd.call_of(agent).ok_or(NotSaid::NoCall)?;
        if !self.calls.contains_key(&call) && !self.open_books.contains_key(&call) {
            return Err(NotSaid::NoCall);
        }
        if !self.config.plugins.is_empty() {
            self.disposed.insert(agent.clone(), (call, disposition.clone()));
        }
        let (agent, code) = (agent.shared().clone(), disposition.clone());
        self.note(now, call, Kind::Disposition(Disposed { agent, code, by, who: who.to_owned() }));
        Ok(())
    }
}

impl From<WrapUpFault> for NotSaid {
    fn from(fault: WrapUpFault) -> Self {
        match fault {
            WrapUpFault::None => Self::NoWrapUp,
            WrapUpFault::Longest => Self::Longest,
        }
    }
}
