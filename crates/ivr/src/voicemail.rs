//! Voice messages: leaving one (`voicemail`), and hearing those that others left (`mailbox`). The driver takes and keeps them; the
//! session says when.

use std::sync::Arc;
use std::time::Duration;

use base::Now;
use serde::{Deserialize, Serialize};

use crate::flow::{Mailbox, Prompt, Review, Target, Verb, Voicemail};
use crate::state::Phase;
use crate::{Output, Session, Sound, Value};

/// So often a caller is asked what to do with a message; who presses no key that is known then leaves it as it is.
const ATTEMPTS: u32 = 3;

/// What a driver says of a mailbox that it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailboxState {
    /// It is open.
    Open {
        /// Messages that nobody has heard. The driver counts them first.
        new: u32,
        /// And that somebody has.
        old: u32,
    },
    /// It has no room for another message.
    Full,
    /// It is not this caller's.
    Denied,
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageOutcome {
    /// It was taken.
    Taken,
    /// Nothing was said.
    NothingSaid,
    /// It could not be written.
    Failed,
}

impl Session {
    /// How the mailbox stands that was asked for.
    pub fn handle_mailbox(&mut self, now: Now, state: MailboxState) {
        let flow = Arc::clone(&self.flow);
        if self.state.phase != Phase::Opening {
            return;
        }
        let target = match (flow.node(self.state.node).map(|node| &node.verb), state) {
            (Some(Verb::Voicemail(voicemail)), MailboxState::Full) => {
                self.took("full");
                self.leave(&voicemail.full, true)
            }
            (Some(Verb::Voicemail(voicemail)), _) => {
                self.greet(&voicemail.greeting);
                None
            }
            (Some(Verb::Mailbox(mailbox)), MailboxState::Open { new, old }) => self.opened(mailbox, new, old),
            (Some(Verb::Mailbox(mailbox)), _) => {
                self.took("denied");
                self.leave(&mailbox.denied, true)
            }
            _ => None,
        };
        self.advance(now, target);
    }

    /// The caller has said nothing for as long as [`Output::TakeMessage`] named.
    pub fn handle_quiet(&mut self, _now: Now) {
        if self.state.phase == Phase::Taking {
            self.end_message();
        }
    }

    /// A message has ended, by [`Output::EndMessage`] or by itself.
    pub fn handle_message(&mut self, now: Now, outcome: MessageOutcome) {
        let flow = Arc::clone(&self.flow);
        let verb = flow.node(self.state.node).map(|node| &node.verb);
        let (Phase::Taking | Phase::Taken, Some(Verb::Voicemail(voicemail))) = (self.state.phase, verb) else { return };
        self.deadline = None;
        let target = match outcome {
            MessageOutcome::Taken => match &voicemail.review {
                Some(review) => {
                    self.state.round = 1;
                    self.ask_review(&review.prompt, false);
                    None
                }
                None => Some(self.keep_message(voicemail)),
            },
            MessageOutcome::NothingSaid => {
                self.outputs.push_back(Output::DropMessage);
                self.took("empty");
                self.leave(&voicemail.empty, true)
            }
            MessageOutcome::Failed => {
                self.outputs.push_back(Output::DropMessage);
                self.took("full");
                self.leave(&voicemail.full, true)
            }
        };
        self.advance(now, target);
    }

    /// A key at a node of voice messages. `None` if the node is none, or the key is none of its own now.
    pub(crate) fn press_at_message(&mut self, verb: &Verb, now: Now, key: char) -> Option<()> {
        let target = match (self.state.phase, verb) {
            // Who knows the way need not hear the greeting.
            (Phase::Greeting, Verb::Voicemail(_)) => {
                self.beep();
                None
            }
            (Phase::Taking, Verb::Voicemail(voicemail)) if voicemail.end_key == Some(key) => {
                self.end_message();
                None
            }
            (Phase::Beeping | Phase::Taking | Phase::Taken, Verb::Voicemail(_)) => None,
            (Phase::Reviewing, Verb::Voicemail(voicemail @ Voicemail { review: Some(review), .. })) => {
                self.press_review(voicemail, review, key)
            }
            (Phase::Greeting, Verb::Mailbox(mailbox)) => {
                self.stop_play();
                self.hear(mailbox, 0)
            }
            (Phase::Hearing { index, .. }, Verb::Mailbox(mailbox)) => self.press_hearing(mailbox, index, key),
            (Phase::Opening, Verb::Voicemail(_) | Verb::Mailbox(_)) => None,
            _ => return None,
        };
        self.advance(now, target);
        Some(())
    }

    /// What played at a node of voice messages has ended. `None` if the node is none.
    pub(crate) fn played_at_message(&mut self, verb: &Verb, now: Now) -> Option<Option<Target>> {
        Some(match (self.state.phase, verb) {
            (Phase::Greeting | Phase::Beeping, Verb::Voicemail(voicemail)) => {
                self.outputs.push_back(Output::TakeMessage { quiet: voicemail.silence });
                self.state.phase = Phase::Taking;
                self.deadline = Some(now.monotonic + voicemail.max_time);
                None
            }
            (Phase::Reviewing, Verb::Voicemail(Voicemail { review: Some(review), .. })) => {
                self.deadline = Some(now.monotonic + review.timeout);
                None
            }
            (Phase::Greeting, Verb::Mailbox(mailbox)) => self.hear(mailbox, 0),
            (Phase::Hearing { index, asks: false }, Verb::Mailbox(mailbox)) => {
                self.outputs.push_back(Output::Heard { index, heard: true });
                self.state.round = 1;
                self.ask_what_to_do(mailbox, index);
                None
            }
            (Phase::Hearing { asks: true, .. }, Verb::Mailbox(mailbox)) => {
                self.deadline = Some(now.monotonic + mailbox.timeout);
                None
            }
            _ => return None,
        })
    }

    /// Time is over at a node of voice messages. `None` if the node is none.
    pub(crate) fn late_at_message(&mut self, verb: &Verb) -> Option<Option<Target>> {
        Some(match (self.state.phase, verb) {
            (Phase::Taking, Verb::Voicemail(_)) => {
                self.end_message();
                None
            }
            (Phase::Reviewing, Verb::Voicemail(voicemail)) => Some(self.keep_message(voicemail)),
            (Phase::Hearing { index, .. }, Verb::Mailbox(mailbox)) => self.not_understood(mailbox, index),
            _ => return None,
        })
    }
}

/// Leaving a message.
impl Session {
    fn greet(&mut self, greeting: &Prompt) {
        if greeting.0.is_empty() {
            return self.beep();
        }
        let mut sounds = self.sounds(&[greeting]);
        sounds.push(Sound::Beep);
        self.play_sounds(sounds);
        self.state.phase = Phase::Greeting;
    }

    fn beep(&mut self) {
        self.stop_play();
        self.play_sounds(vec![Sound::Beep]);
        self.state.phase = Phase::Beeping;
    }

    fn end_message(&mut self) {
        self.deadline = None;
        self.state.phase = Phase::Taken;
        self.outputs.push_back(Output::EndMessage);
    }

    fn keep_message(&mut self, voicemail: &Voicemail) -> Target {
        self.stop_play();
        self.outputs.push_back(Output::KeepMessage);
        self.took("next");
        voicemail.next
    }

    /// Asks what is to be done with the message, which is heard before if that is asked for.
    fn ask_review(&mut self, prompt: &Prompt, message: bool) {
        self.stop_play();
        self.deadline = None;
        let mut sounds = if message { vec![Sound::Taken] } else { Vec::new() };
        sounds.extend(self.sounds(&[prompt]));
        self.play_sounds(sounds);
        self.state.phase = Phase::Reviewing;
    }

    fn press_review(&mut self, voicemail: &Voicemail, review: &Review, key: char) -> Option<Target> {
        match key {
            key if key == review.listen => self.ask_review(&review.prompt, true),
            key if key == review.again => {
                self.deadline = None;
                self.outputs.push_back(Output::DropMessage);
                self.beep();
            }
            key if key == review.keep => return Some(self.keep_message(voicemail)),
            key if key == review.delete => {
                self.stop_play();
                self.outputs.push_back(Output::DropMessage);
                self.took("deleted");
                return self.leave(&review.deleted, true);
            }
            _ if self.state.round >= ATTEMPTS => return Some(self.keep_message(voicemail)),
            _ => {
                self.state.round += 1;
                self.ask_review(&review.prompt, false);
            }
        }
        None
    }
}

/// Hearing messages.
impl Session {
    fn opened(&mut self, mailbox: &Mailbox, new: u32, old: u32) -> Option<Target> {
        if let Some(variable) = &mailbox.into {
            self.state.set(variable, Value::Integer(i64::from(new)));
        }
        self.state.messages = new.saturating_add(old);
        if self.state.messages == 0 {
            self.took("empty");
            return self.leave(&mailbox.empty, true);
        }
        if mailbox.greeting.0.is_empty() {
            return self.hear(mailbox, 0);
        }
        let sounds = self.sounds(&[&mailbox.greeting]);
        self.play_sounds(sounds);
        self.state.phase = Phase::Greeting;
        None
    }

    fn hear(&mut self, mailbox: &Mailbox, index: u32) -> Option<Target> {
        self.stop_play();
        self.deadline = None;
        if index >= self.state.messages {
            self.took("next");
            return Some(mailbox.next);
        }
        self.play_sounds(vec![Sound::Message(index)]);
        self.state.phase = Phase::Hearing { index, asks: false };
        None
    }

    fn ask_what_to_do(&mut self, mailbox: &Mailbox, index: u32) {
        self.stop_play();
        self.deadline = None;
        let sounds = self.sounds(&[&mailbox.menu]);
        self.play_sounds(sounds);
        self.state.phase = Phase::Hearing { index, asks: true };
    }

    fn press_hearing(&mut self, mailbox: &Mailbox, index: u32, key: char) -> Option<Target> {
        let keys = &mailbox.keys;
        let asks = matches!(self.state.phase, Phase::Hearing { asks: true, .. });
        let order = match key {
            key if key == keys.again => return self.hear(mailbox, index),
            key if key == keys.skip || key == keys.leave => Output::Heard { index, heard: true },
            key if key == keys.keep => Output::Heard { index, heard: false },
            key if key == keys.delete => Output::DeleteMessage { index },
            _ if asks => return self.not_understood(mailbox, index),
            // He listens.
            _ => return None,
        };
        self.outputs.push_back(order);
        let next = if key == keys.leave { self.state.messages } else { index.saturating_add(1) };
        self.hear(mailbox, next)
    }

    fn not_understood(&mut self, mailbox: &Mailbox, index: u32) -> Option<Target> {
        if self.state.round >= ATTEMPTS {
            return self.hear(mailbox, self.state.messages);
        }
        self.state.round += 1;
        self.ask_what_to_do(mailbox, index);
        None
    }
}

/// How long a caller may think about a message, where nothing is written.
pub(crate) const USUAL_TIMEOUT: Duration = Duration::from_secs(5);
