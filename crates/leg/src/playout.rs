//! What plays on a leg: a list of items, cut into frames.

use std::sync::Arc;
use std::time::Duration;

use base::PlayId;

use crate::control::{FRAME, Item, Law};
use crate::tones::Tones;

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
    pub(crate) fn fill(&mut self, tones: &Tones, law: Law, frame: &mut [u8; FRAME]) -> Progress {
        let mut at = 0;
        // Items without a length must not keep a repeated list here for ever.
        let mut idle = 0;
        while let Some(room) = frame.get_mut(at..).filter(|room| !room.is_empty()) {
            let Some(item) = self.items.get(self.index) else { break };
            let played = put(item, self.offset, tones, law, room);
            at += played;
            self.offset += played;
            idle = if played == 0 { idle + 1 } else { 0 };
            if self.offset >= length(item, tones, law) {
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
fn put(item: &Item, offset: usize, tones: &Tones, law: Law, room: &mut [u8]) -> usize {
    let octets: &[u8] = match item {
        Item::Prompt(prompt) => prompt.octets(law),
        Item::Tone(tone) => tones.octets(*tone, law),
        Item::Silence(duration) => {
            let count = samples(*duration).saturating_sub(offset).min(room.len());
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

fn length(item: &Item, tones: &Tones, law: Law) -> usize {
    match item {
        Item::Prompt(prompt) => prompt.octets(law).len(),
        Item::Tone(tone) => tones.octets(*tone, law).len(),
        Item::Silence(duration) => samples(*duration),
    }
}

fn samples(duration: Duration) -> usize {
    usize::try_from(duration.as_micros() / 125).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Prompt;

    fn prompt(octets: &[u8]) -> Item {
        Item::Prompt(Prompt { ulaw: octets.into(), alaw: octets.into(), levels: audio::Levels::default() })
    }

    fn play(items: &[Item], repeat: bool, frames: usize) -> (Vec<u8>, Vec<Progress>) {
        let (tones, mut playout) = (Tones::default(), Playout::new(PlayId::from_raw(1), items.into(), repeat));
        let mut sound = Vec::new();
        let progress = (0..frames)
            .map(|_| {
                let mut frame = [0; FRAME];
                let progress = playout.fill(&tones, Law::Ulaw, &mut frame);
                sound.extend_from_slice(&frame);
                progress
            })
            .collect();
        (sound, progress)
    }

    #[test]
    fn items_follow_one_another_within_a_frame() {
        let items = [prompt(&[1; 100]), Item::Silence(Duration::from_millis(10)), prompt(&[2; 60])];
        let (sound, progress) = play(&items, false, 3);
        assert_eq!((&sound[..100], &sound[100..180], &sound[180..240]), (&[1; 100][..], &[255; 80][..], &[2; 60][..]));
        assert!(sound[240..].iter().all(|octet| *octet == 255));
        assert_eq!(progress, [Progress::Playing, Progress::Done, Progress::Empty]);
    }

    #[test]
    fn a_list_that_ends_with_its_frame_is_done_in_that_frame() {
        let (_, progress) = play(&[prompt(&[1; 320])], false, 2);
        assert_eq!(progress, [Progress::Playing, Progress::Done]);
    }

    #[test]
    fn a_repeated_list_has_no_seam() {
        let (sound, progress) = play(&[prompt(&[1; 100])], true, 5);
        assert!(sound.iter().all(|octet| *octet == 1));
        assert_eq!(progress, [Progress::Playing; 5]);
    }

    #[test]
    fn a_repeated_list_of_nothing_ends() {
        let nothing = [prompt(&[]), Item::Silence(Duration::ZERO)];
        assert_eq!(play(&nothing, true, 1).1, [Progress::Empty]);
        assert_eq!(play(&[], true, 1).1, [Progress::Empty]);
    }
}
