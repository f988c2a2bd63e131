//! Voice messages: what callers leave in mailboxes, and what is heard of them. A driver takes and keeps them, which reports here.
//!
//! A message is kept unless somebody says otherwise: who hangs up, or whose call ends by whatever, has left what he said by then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base::{CallId, LegId, Now, Pii, PlayId, TakeId};
use ivr::{MailboxState, MessageOutcome, Sound, Speech};
use journal::{Asker, Kind, LetterOrder, MessageHeard, MessageLeft, MessageName, MessageNotLeft, Name, Voicemail};
use leg::{Command, Item, Prompt};

use crate::MailboxName;
use crate::flow::FlowInput;
use crate::switch::Switch;

/// The word by which a flow names the mailbox of whoever calls.
const OWN: &str = "own";

/// What the driver says of voice messages.
#[derive(Clone, Debug, PartialEq)]
pub enum LetterReport {
    /// The file of one that was taken is complete, and waits for a verdict.
    Ended(TakeId, MessageOutcome),
    /// It is in its mailbox, under this name.
    Kept(TakeId, Name, Box<Voicemail>),
    /// It was thrown away.
    Discarded(TakeId),
    /// It could not be put into its mailbox.
    Lost(TakeId),
    /// How many messages of a mailbox nobody has heard, and how many somebody has.
    Counted(MailboxName, u32, u32),
    /// What is in a mailbox, the oldest first: by its name, and whether it was heard.
    Listed(CallId, Vec<(Name, bool)>),
    /// A sound that was asked for; none if it cannot be read.
    Loaded(CallId, PlayId, Option<Prompt>),
}

/// A message that a call leaves.
#[derive(Debug)]
pub(crate) struct Letter {
    mailbox: MailboxName,
    take: Option<TakeId>,
    /// What came of it, once its file is complete.
    outcome: Option<MessageOutcome>,
    /// It was told whether it is kept.
    decided: bool,
    /// Why it is thrown away.
    dropped: &'static str,
}

/// What is in a mailbox.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Messages that nobody has heard.
    new: u32,
    /// And that somebody has.
    old: u32,
    /// And that are being taken: whose entry in [`Letters::taken`] leads here.
    taken: u32,
}

/// Voice messages of all calls.
#[derive(Debug, Default)]
pub(crate) struct Letters {
    /// For the driver.
    orders: VecDeque<LetterOrder>,
    /// By mailbox.
    held: BTreeMap<MailboxName, Held>,
    /// Where those belong that are being taken, till the driver says what came of them.
    taken: BTreeMap<TakeId, MailboxName>,
}

impl Letters {
    pub fn order(&mut self, order: LetterOrder) {
        self.orders.push_back(order);
    }

    /// Those that are being taken.
    pub fn taken(&self) -> impl Iterator<Item = TakeId> {
        self.taken.keys().copied()
    }

    fn begin(&mut self, take: TakeId, mailbox: MailboxName) {
        self.held.entry(mailbox.clone()).or_default().taken += 1;
        self.taken.insert(take, mailbox);
    }

    /// Nothing more comes of a take; gives the mailbox if it was a message's.
    pub fn forget(&mut self, take: TakeId) -> Option<MailboxName> {
        let mailbox = self.taken.remove(&take)?;
        if let Some(held) = self.held.get_mut(&mailbox) {
            held.taken = held.taken.saturating_sub(1);
        }
        Some(mailbox)
    }
}

/// A mailbox that a caller hears.
#[derive(Debug)]
pub(crate) struct OpenMailbox {
    name: MailboxName,
    /// Those that were new, then the others.
    messages: Vec<Name>,
}

/// A playout that waits for one of its sounds.
#[derive(Debug)]
pub(crate) struct Waiting {
    play: PlayId,
    sounds: Vec<Sound>,
    /// The texts among them that were spoken before.
    spoken: BTreeMap<Speech, Prompt>,
}

impl Switch {
    /// The next order about voice messages. To be taken out before [`Switch::poll_media`].
    pub fn poll_letter(&mut self) -> Option<LetterOrder> {
        self.letters.orders.pop_front()
    }

    /// How many messages there were in mailboxes when an earlier run ended. To be called at the start.
    pub fn restore_mailboxes(&mut self, counts: Vec<(MailboxName, (u32, u32))>) {
        let held = counts.into_iter().map(|(mailbox, (new, old))| (mailbox, Held { new, old, taken: 0 }));
        self.letters.held.extend(held);
    }

    pub(crate) fn on_letter(&mut self, now: Now, report: LetterReport) {
        match report {
            LetterReport::Ended(take, outcome) => self.letter_ended(take, outcome),
            LetterReport::Kept(take, message, head) => {
                let Voicemail { length_ms, lost_ms, .. } = *head;
                self.letter_over(now, take, |mailbox, _| {
                    Kind::VoicemailLeft(MessageLeft { mailbox, message, length_ms, lost_ms })
                });
            }
            LetterReport::Discarded(take) => self.letter_over(now, take, |mailbox, letter| {
                Kind::VoicemailNotLeft(MessageNotLeft {
                    mailbox,
                    why: letter.map_or("deleted", |letter| letter.dropped).into(),
                })
            }),
            LetterReport::Lost(take) => self.letter_over(now, take, |mailbox, _| {
                Kind::VoicemailNotLeft(MessageNotLeft { mailbox, why: "disk".into() })
            }),
            LetterReport::Counted(mailbox, new, old) => self.mailbox_counted(mailbox, new, old),
            LetterReport::Listed(call, messages) => self.mailbox_listed(call, messages),
            LetterReport::Loaded(call, play, sound) => self.sound_loaded(call, play, sound),
        }
    }

    /// True if a mailbox has no room for another message.
    pub(crate) fn is_mailbox_full(&self, mailbox: &MailboxName) -> bool {
        let Held { new, old, taken } = self.letters.held.get(mailbox).copied().unwrap_or_default();
        let most = self.config.mailboxes.get(mailbox).map_or(0, |mailbox| mailbox.max_messages);
        most <= new.saturating_add(old).saturating_add(taken)
    }

    /// A flow wants the caller to leave a message.
    pub(crate) fn open_for_message(&mut self, now: Now, call: CallId, mailbox: &MailboxName) {
        let Held { new, old, .. } = self.letters.held.get(mailbox).copied().unwrap_or_default();
        let is_full = self.is_mailbox_full(mailbox);
        let state = if is_full { MailboxState::Full } else { MailboxState::Open { new, old } };
        if is_full {
            self.note(
                now,
                call,
                Kind::VoicemailNotLeft(MessageNotLeft { mailbox: mailbox.clone(), why: "full".into() }),
            );
        } else if let Some(found) = self.calls.get_mut(&call) {
            let mailbox = mailbox.clone();
            found.letter = Some(Letter { mailbox, take: None, outcome: None, decided: false, dropped: "deleted" });
        }
        self.flow_inputs.push_back((call, FlowInput::Mailbox(state)));
    }

    /// The caller speaks from now on.
    pub(crate) fn take_letter(&mut self, now: Now, call: CallId, quiet: Duration) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        let Some(letter) = &mut found.letter else { return };
        let take = self.ids.take();
        (letter.take, letter.outcome, letter.decided) = (Some(take), None, false);
        let head = Voicemail {
            mailbox: letter.mailbox.clone(),
            call,
            from: found.number.clone(),
            from_name: found.identity.display.clone().unwrap_or_else(|| Pii::new(String::new())),
            to: Pii::new(found.dialled.to_string()),
            at: now.wall,
            length_ms: 0,
            lost_ms: 0,
            heard: false,
        };
        found.open_takes.push(take);
        self.takes.insert(take, call);
        self.letters.begin(take, head.mailbox.clone());
        self.letters.order(LetterOrder::Take(take, Box::new(head)));
        self.commands.push_back(Command::TakeMessage { leg: found.caller, take, quiet });
    }

    pub(crate) fn end_letter(&mut self, call: CallId) {
        if let Some(found) = self.calls.get(&call) {
            self.commands.push_back(Command::EndMessage { leg: found.caller });
        }
    }

    /// Whether the message is kept that was taken. If its file is not complete, that waits.
    pub(crate) fn judge_letter(&mut self, call: CallId, keep: bool) {
        let Some(letter) = self.calls.get_mut(&call).and_then(|found| found.letter.as_mut()) else { return };
        let (Some(take), Some(outcome), false) = (letter.take, letter.outcome, letter.decided) else { return };
        letter.decided = true;
        letter.dropped = match outcome {
            MessageOutcome::Taken => "deleted",
            MessageOutcome::NothingSaid => "nothing_said",
            MessageOutcome::Failed => "disk",
        };
        let keep = keep && outcome == MessageOutcome::Taken;
        self.letters.order(if keep { LetterOrder::Keep(take) } else { LetterOrder::Discard(take) });
    }

    /// The leg of a caller tells that he says no more.
    pub(crate) fn caller_quiet(&mut self, leg: LegId) {
        if let Some(call) = self.legs.get(&leg).map(|found| found.call) {
            self.flow_inputs.push_back((call, FlowInput::Quiet));
        }
    }

    /// The take is a message's.
    pub(crate) fn is_letter(&self, take: TakeId) -> bool {
        self.letters.taken.contains_key(&take)
    }

    /// The file of a take is complete, or there never was one.
    pub(crate) fn letter_ended(&mut self, take: TakeId, outcome: MessageOutcome) {
        let Some(&call) = self.takes.get(&take) else { return };
        let Some(found) = self.calls.get_mut(&call) else { return };
        let over = found.over;
        match found.letter.as_mut().filter(|letter| letter.take == Some(take)) {
            Some(letter) => letter.outcome = Some(outcome),
            // He has begun anew meanwhile.
            None => return self.letters.order(LetterOrder::Discard(take)),
        }
        if over {
            self.judge_letter(call, true);
            return;
        }
        self.flow_inputs.push_back((call, FlowInput::Message(outcome)));
    }

    fn letter_over(&mut self, now: Now, take: TakeId, kind: impl FnOnce(MailboxName, Option<&Letter>) -> Kind) {
        let Some(mailbox) = self.letters.forget(take) else { return };
        let Some(call) = self.takes.remove(&take) else { return };
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.open_takes.retain(|&open| open != take);
        let letter = found.letter.as_mut().filter(|letter| letter.take == Some(take));
        let kind = match letter {
            Some(letter) => {
                letter.take = None;
                kind(mailbox, Some(letter))
            }
            None => kind(mailbox, None),
        };
        self.note(now, call, kind);
        self.finish_if_closed(now, call);
    }

    fn mailbox_counted(&mut self, mailbox: MailboxName, new: u32, old: u32) {
        if let Some(found) = self.config.mailboxes.get(&mailbox) {
            self.lamps.touch_messages(&found.users, &mut self.sip);
        }
        let held = self.letters.held.entry(mailbox).or_default();
        (held.new, held.old) = (new, old);
    }

    /// What waits for a user: in his own mailbox, and in those that he may hear besides.
    pub(crate) fn messages_of(&self, user: &Arc<str>) -> Option<(u32, u32)> {
        let his = self.config.mailboxes.iter().filter(|(_, mailbox)| mailbox.users.contains(user));
        let held = his.map(|(name, _)| self.letters.held.get(name).copied().unwrap_or_default());
        let counts = held.map(|held| (held.new, held.old));
        counts.reduce(|(a, b), (new, old)| (a.saturating_add(new), b.saturating_add(old)))
    }
}

/// Hearing messages.
impl Switch {
    /// A flow wants the caller to hear a mailbox, which must be his: whose phone it is counts, not who the call was of that a
    /// user sent on to here.
    pub(crate) fn open_mailbox(&mut self, call: CallId, name: &MailboxName) {
        let Some(caller) = self.calls.get(&call).map(|found| found.caller) else { return };
        let user = match self.owner(caller) {
            Some(Asker::User(user)) => user,
            _ => return self.flow_inputs.push_back((call, FlowInput::Mailbox(MailboxState::Denied))),
        };
        let name = if **name == *OWN { user.clone() } else { name.clone() };
        if !self.config.mailboxes.get(&name).is_some_and(|mailbox| mailbox.users.contains(&user)) {
            return self.flow_inputs.push_back((call, FlowInput::Mailbox(MailboxState::Denied)));
        }
        let Some(found) = self.calls.get_mut(&call) else { return };
        found.mailbox = Some(OpenMailbox { name: name.clone(), messages: Vec::new() });
        self.letters.order(LetterOrder::List(call, name));
    }

    fn mailbox_listed(&mut self, call: CallId, messages: Vec<(Name, bool)>) {
        let Some(open) = self.calls.get_mut(&call).and_then(|found| found.mailbox.as_mut()) else { return };
        let (old, new): (Vec<_>, Vec<_>) = messages.into_iter().partition(|(_, heard)| *heard);
        let count = |messages: &[(Name, bool)]| u32::try_from(messages.len()).unwrap_or(u32::MAX);
        let state = MailboxState::Open { new: count(&new), old: count(&old) };
        open.messages = new.into_iter().chain(old).map(|(name, _)| name).collect();
        self.flow_inputs.push_back((call, FlowInput::Mailbox(state)));
    }

    fn message_at(&self, call: CallId, index: u32) -> Option<(MailboxName, Name)> {
        let open = self.calls.get(&call)?.mailbox.as_ref()?;
        let message = open.messages.get(usize::try_from(index).ok()?)?;
        Some((open.name.clone(), message.clone()))
    }

    pub(crate) fn message_heard(&mut self, now: Now, call: CallId, index: u32, heard: bool) {
        let Some((mailbox, message)) = self.message_at(call, index) else { return };
        self.letters.order(LetterOrder::SetHeard(mailbox.clone(), message.clone(), heard));
        self.note(now, call, Kind::VoicemailHeard(MessageHeard { mailbox, message, heard }));
    }

    pub(crate) fn delete_message(&mut self, now: Now, call: CallId, index: u32) {
        let Some((mailbox, message)) = self.message_at(call, index) else { return };
        self.letters.order(LetterOrder::Delete(mailbox.clone(), message.clone()));
        self.note(now, call, Kind::VoicemailDeleted(MessageName { mailbox, message }));
    }

    /// A playout with a message in it waits until that is read. True if it does.
    pub(crate) fn load_sounds(&mut self, call: CallId, sounds: &[Sound], spoken: &BTreeMap<Speech, Prompt>) -> bool {
        let wanted = sounds.iter().find(|sound| matches!(sound, Sound::Taken | Sound::Message(_)));
        let Some(sound) = wanted else { return false };
        self.stop_speaking(call);
        let play = self.ids.play();
        let taken = self.calls.get(&call).and_then(|found| found.letter.as_ref()?.take);
        let order = match sound {
            Sound::Message(index) => {
                self.message_at(call, *index).map(|(mailbox, name)| LetterOrder::Load(call, play, mailbox, name))
            }
            _ => taken.map(|take| LetterOrder::LoadTaken(call, play, take)),
        };
        let Some(found) = self.calls.get_mut(&call) else { return false };
        found.play = Some(play);
        found.waiting = Some(Waiting { play, sounds: sounds.to_vec(), spoken: spoken.clone() });
        match order {
            Some(order) => self.letters.order(order),
            None => self.sound_loaded(call, play, None),
        }
        true
    }

    fn sound_loaded(&mut self, call: CallId, play: PlayId, sound: Option<Prompt>) {
        let Some(found) = self.calls.get_mut(&call).filter(|found| found.play == Some(play)) else { return };
        let Some(waiting) = found.waiting.take_if(|waiting| waiting.play == play) else { return };
        let (language, caller) = (found.language.clone(), found.caller);
        let known = found.prompts.clone();
        let item = |heard: &Sound| match heard {
            Sound::Taken | Sound::Message(_) => sound.clone().map(Item::Prompt),
            other => crate::flow::item(&known, &waiting.spoken, language.as_deref(), other),
        };
        let mut items: Vec<Item> = waiting.sounds.iter().filter_map(item).collect();
        // One that is gone takes its time all the same.
        if items.is_empty() {
            items.push(Item::Silence(Duration::from_millis(200)));
        }
        self.commands.push_back(Command::Play { leg: caller, play, items: items.into(), repeat: false });
    }
}
