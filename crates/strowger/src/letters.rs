//! Voice messages between the switch and storage, which know nothing of each other.

use ivr::MessageOutcome;
use journal::LetterOrder;
use storage::{LetterEvent, Message, Notice};
use switch::LetterReport;

/// What the switch is told of an order that storage has no room for; nothing if nobody waits for it. A message that could not begin
/// is told when it ends.
pub(crate) fn letter_refused(order: LetterOrder) -> Option<LetterReport> {
    match order {
        LetterOrder::Keep(take) | LetterOrder::Discard(take) => Some(LetterReport::Lost(take)),
        LetterOrder::LoadTaken(call, play, _) | LetterOrder::Load(call, play, ..) => {
            Some(LetterReport::Loaded(call, play, None))
        }
        LetterOrder::List(call, _) => Some(LetterReport::Listed(call, Vec::new())),
        LetterOrder::Take(..) | LetterOrder::SetHeard(..) | LetterOrder::Delete(..) | LetterOrder::Count(_) => None,
    }
}

/// What the switch is told; nothing if it is of something else.
pub(crate) fn letter_report(notice: Notice) -> Option<LetterReport> {
    Some(match notice {
        Notice::Letter { take, event } => match event {
            LetterEvent::Taken => LetterReport::Ended(take, MessageOutcome::Taken),
            LetterEvent::NothingSaid => LetterReport::Ended(take, MessageOutcome::NothingSaid),
            LetterEvent::Failed => LetterReport::Ended(take, MessageOutcome::Failed),
            LetterEvent::Kept(Message { id, head }) => LetterReport::Kept(take, id, Box::new(head)),
            LetterEvent::Discarded => LetterReport::Discarded(take),
            LetterEvent::Lost => LetterReport::Lost(take),
        },
        Notice::Mailbox { mailbox, new, old } => LetterReport::Counted(mailbox, new, old),
        Notice::Listed { call, messages } => {
            LetterReport::Listed(call, messages.into_iter().map(|message| (message.id, message.head.heard)).collect())
        }
        Notice::Loaded { call, play, sound } => LetterReport::Loaded(call, play, sound),
        Notice::Take { .. } | Notice::EventsLost { .. } | Notice::DiskFault { .. } | Notice::DiskWell { .. } => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use base::{CallId, PlayId, TakeId};

    use super::*;

    #[test]
    fn who_waits_for_an_order_without_room_is_told() {
        let (call, play, take) = (CallId::from_raw(1), PlayId::from_raw(2), TakeId::from_raw(3));
        assert_eq!(letter_refused(LetterOrder::Keep(take)), Some(LetterReport::Lost(take)));
        assert_eq!(
            letter_refused(LetterOrder::LoadTaken(call, play, take)),
            Some(LetterReport::Loaded(call, play, None))
        );
        assert_eq!(
            letter_refused(LetterOrder::List(call, "sales".into())),
            Some(LetterReport::Listed(call, Vec::new()))
        );
        assert_eq!(letter_refused(LetterOrder::Count("sales".into())), None);
    }
}
