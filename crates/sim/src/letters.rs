//! The driver of voice messages, played: mailboxes in memory.

use std::collections::BTreeMap;

use base::TakeId;
use ivr::MessageOutcome;
use journal::{LetterOrder, Name, Voicemail};
use leg::Prompt;
use switch::LetterReport;

/// Messages that are being taken, and those in mailboxes.
#[derive(Debug)]
pub struct Letters {
    /// What comes of the next messages.
    pub outcome: MessageOutcome,
    taken: BTreeMap<TakeId, Voicemail>,
    /// By mailbox: name, and whether it was heard.
    pub boxes: BTreeMap<Name, Vec<(Name, bool)>>,
}

impl Default for Letters {
    fn default() -> Self {
        Self { outcome: MessageOutcome::Taken, taken: BTreeMap::new(), boxes: BTreeMap::new() }
    }
}

impl Letters {
    /// The media of a take has ended; none if it is no message's.
    pub(crate) fn ended(&self, take: TakeId) -> Option<LetterReport> {
        self.taken.contains_key(&take).then_some(LetterReport::Ended(take, self.outcome))
    }

    /// Does what was ordered; gives what is told then.
    pub(crate) fn handle(&mut self, order: LetterOrder) -> Vec<LetterReport> {
        match order {
            LetterOrder::Take(take, head) => {
                self.taken.insert(take, *head);
                Vec::new()
            }
            LetterOrder::Keep(take) => {
                let Some(head) = self.taken.remove(&take) else { return Vec::new() };
                let (mailbox, name) = (head.mailbox.clone(), Name::from(take.to_string()));
                self.boxes.entry(mailbox.clone()).or_default().push((name.clone(), false));
                vec![LetterReport::Kept(take, name, Box::new(head)), self.count(mailbox)]
            }
            LetterOrder::Discard(take) => {
                self.taken.remove(&take);
                vec![LetterReport::Discarded(take)]
            }
            LetterOrder::LoadTaken(call, play, _) | LetterOrder::Load(call, play, ..) => {
                vec![LetterReport::Loaded(call, play, Some(Prompt::from_samples(&[0; 800])))]
            }
            LetterOrder::List(call, mailbox) => {
                vec![LetterReport::Listed(call, self.boxes.get(&mailbox).cloned().unwrap_or_default())]
            }
            LetterOrder::SetHeard(mailbox, message, now) => {
                let messages = self.boxes.entry(mailbox.clone()).or_default();
                messages.iter_mut().filter(|(name, _)| *name == message).for_each(|(_, heard)| *heard = now);
                vec![self.count(mailbox)]
            }
            LetterOrder::Delete(mailbox, message) => {
                self.boxes.entry(mailbox.clone()).or_default().retain(|(name, _)| *name != message);
                vec![self.count(mailbox)]
            }
            LetterOrder::Count(mailbox) => vec![self.count(mailbox)],
        }
    }

    fn count(&self, mailbox: Name) -> LetterReport {
        let messages = self.boxes.get(&mailbox).map_or(&[][..], Vec::as_slice);
        let heard = messages.iter().filter(|(_, heard)| *heard).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        LetterReport::Counted(mailbox, count(messages.len() - heard), count(heard))
    }
}
