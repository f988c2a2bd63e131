//! What plays on a leg: a list of items, cut into frames.

use std::sync::Arc;
use std::time::Duration;

use base::PlayId;

use crate::control::{FRAME, Item, Law};
use crate::library::Library;

/// A list being played. An item may end in mid-frame; the next begins there.
#[derive(Debug)]
pub(crate) struct Playout {
    play: PlayId,
    items: Arc<[Item]>,
    repeat: bool,
    index: usize,
    /// Octets of the item that were played.
    offset: usize,
}

/// How a frame came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to play.
    Playing,
    /// The list ended with this frame.
    Done,
    /// The list had ended before it: the frame is silence.
    Empty,
}

impl Playout {
    pub(crate) fn new(play: PlayId, items: Arc<[Item]>, repeat: bool) -> Self {
        Self { play, items, repeat, index: 0, offset: 0 }
    }

    pub(crate) const fn play(&self) -> PlayId {
        self.play
    }

    /// Fills a frame; what the list does not reach is silence.
    pub(crate) fn fill(&mut self, library: &Library, law: Law, frame: &mut [u8; FRAME]) -> Progress {
        let mut at = 0;
        // Items without a length must not keep a repeated list here for ever.
        let mut idle = 0;
        while let Some(room) = frame.get_mut(at..).filter(|room| !room.is_empty()) {
            let Some(item) = self.items.get(self.index) else { break };
            let played = put(*item, self.offset, library, law, room);
            at += played;
            self.offset += played;
            idle = if played == 0 { idle + 1 } else { 0 };
            if self.offset >= length(*item, library, law) {
                self.next_item();
            }
            if idle > self.items.len() {
                self.index = self.items.len();
                break;
            }
        }
        if let Some(rest) = frame.get_mut(at..) {
            rest.fill(law.silence());
        }
        match (self.index < self.items.len(), at) {
            (true, _) => Progress::Playing,
            (false, 0) => Progress::Empty,
            (false, _) => Progress::Done,
        }
    }

    fn next_item(&mut self) {
        self.offset = 0;
        self.index += 1;
        if self.repeat && self.index >= self.items.len() {
            self.index = 0;
        }
    }
}

/// Plays `item` from `offset` into `room`; returns the octets that it had.
fn put(item: Item, offset: usize, library: &Library, law: Law, room: &mut [u8]) -> usize {
    let octets = match item {
        Item::Prompt(id) => library.prompt(id, law),
        Item::Tone(tone) => library.tone(tone, law),
        Item::Silence(duration) => {
            let count = samples(duration).saturating_sub(offset).min(room.len());
            room.iter_mut().take(count).for_each(|octet| *octet = law.silence());
            return count;
        }
    };
    let rest = octets.get(offset..).unwrap_or_default();
    let count = rest.len().min(room.len());
    if let (Some(to), Some(from)) = (room.get_mut(..count), rest.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}

fn length(item: Item, library: &Library, law: Law) -> usize {
    match item {
        Item::Prompt(id) => library.prompt(id, law).len(),
        Item::Tone(tone) => library.tone(tone, law).len(),
        Item::Silence(duration) => samples(duration),
    }
}

fn samples(duration: Duration) -> usize {
    usize::try_from(duration.as_micros() / 125).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PromptId;
    use audio::Prompt;

    fn prompt(octets: &[u8]) -> Prompt {
        Prompt { ulaw: octets.into(), alaw: octets.into(), levels: audio::Levels::default() }
    }

    fn play(prompts: &[&[u8]], items: &[Item], repeat: bool, frames: usize) -> (Vec<u8>, Vec<Progress>) {
        let library = Library::new(prompts.iter().map(|octets| prompt(octets)).collect());
        let mut playout = Playout::new(PlayId::from_raw(1), items.into(), repeat);
        let mut sound = Vec::new();
        let progress = (0..frames)
            .map(|_| {
                let mut frame = [0; FRAME];
                let progress = playout.fill(&library, Law::Ulaw, &mut frame);
                sound.extend_from_slice(&frame);
                progress
            })
            .collect();
        (sound, progress)
    }

    #[test]
    fn items_follow_one_another_within_a_frame() {
        let items = [Item::Prompt(PromptId(0)), Item::Silence(Duration::from_millis(10)), Item::Prompt(PromptId(1))];
        let (sound, progress) = play(&[&[1; 100], &[2; 60]], &items, false, 3);
        assert_eq!((&sound[..100], &sound[100..180], &sound[180..240]), (&[1; 100][..], &[255; 80][..], &[2; 60][..]));
        assert!(sound[240..].iter().all(|octet| *octet == 255));
        assert_eq!(progress, [Progress::Playing, Progress::Done, Progress::Empty]);
    }

    #[test]
    fn a_list_that_ends_with_its_frame_is_done_in_that_frame() {
        let (_, progress) = play(&[&[1; 320]], &[Item::Prompt(PromptId(0))], false, 2);
        assert_eq!(progress, [Progress::Playing, Progress::Done]);
    }

    #[test]
    fn a_repeated_list_has_no_seam() {
        let (sound, progress) = play(&[&[1; 100]], &[Item::Prompt(PromptId(0))], true, 5);
        assert!(sound.iter().all(|octet| *octet == 1));
        assert_eq!(progress, [Progress::Playing; 5]);
    }

    #[test]
    fn a_repeated_list_of_nothing_ends() {
        let nothing = [Item::Prompt(PromptId(9)), Item::Silence(Duration::ZERO)];
        assert_eq!(play(&[], &nothing, true, 1).1, [Progress::Empty]);
        assert_eq!(play(&[], &[], true, 1).1, [Progress::Empty]);
    }
}
