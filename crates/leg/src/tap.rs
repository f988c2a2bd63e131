//! The recording tap of a leg: both directions, frame by frame, gathered into chunks. Fed by `send` at the
//! end of each tick.

use base::TakeId;

use crate::control::{CHUNK_FRAMES, Chunk, FRAME, Law, Stereo, TakeSink};

/// A recording that runs. Frames are counted from its begin, whatever becomes of them, so that both sides and all
/// chunks stay aligned in time.
#[derive(Debug)]
pub(crate) struct Tap {
    take: TakeId,
    law: Law,
    audio: Option<Stereo>,
    /// Place of the first frame in `audio`.
    first: u64,
    /// Place of the next frame.
    next: u64,
    /// Frames lost since the last chunk that was delivered.
    lost: u32,
    lost_before: u64,
}

/// What a recording came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub take: TakeId,
    pub frames: u64,
    pub lost: u64,
}

impl Tap {
    pub(crate) const fn new(take: TakeId, law: Law) -> Self {
        Self { take, law, audio: None, first: 0, next: 0, lost: 0, lost_before: 0 }
    }

    /// Takes the frame of one tick.
    pub(crate) fn push(&mut self, sink: &mut dyn TakeSink, law: Law, left: &[u8; FRAME], right: &[u8; FRAME]) {
        if law != self.law {
            self.flush(sink);
            self.law = law;
        }
        let place = self.next;
        self.next += 1;
        if self.audio.is_none() {
            self.audio = sink.buffer().map(cleared);
        }
        let Some(audio) = &mut self.audio else {
            self.lost = self.lost.saturating_add(1);
            return;
        };
        if audio.left.is_empty() {
            self.first = place;
        }
        audio.left.extend_from_slice(left);
        audio.right.extend_from_slice(right);
        if audio.left.len() >= CHUNK_FRAMES * FRAME {
            self.flush(sink);
        }
    }

    /// Leaves room for ticks that were not run.
    pub(crate) fn skip(&mut self, sink: &mut dyn TakeSink, ticks: u64) {
        self.flush(sink);
        self.next = self.next.saturating_add(ticks);
        self.lost = self.lost.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX));
    }

    /// Passes the rest on; `None` if the queue is full, to be tried again.
    pub(crate) fn finish(&mut self, sink: &mut dyn TakeSink) -> Option<Ended> {
        let audio = self.audio.take().unwrap_or_default();
        let first_frame = if audio.left.is_empty() { self.next } else { self.first };
        match sink.deliver(self.chunk(first_frame, true, audio)) {
            Ok(()) => Some(Ended { take: self.take, frames: self.next, lost: self.lost_before + u64::from(self.lost) }),
            Err(chunk) => {
                self.audio = Some(chunk.audio);
                None
            }
        }
    }

    fn flush(&mut self, sink: &mut dyn TakeSink) {
        let Some(audio) = self.audio.take_if(|audio| !audio.left.is_empty()) else { return };
        let frames = u32::try_from(audio.left.len() / FRAME).unwrap_or(0);
        match sink.deliver(self.chunk(self.first, false, audio)) {
            Ok(()) => {
                self.lost_before += u64::from(self.lost);
                self.lost = 0;
            }
            Err(chunk) => {
                // The writer is behind: the audio is lost, its buffer serves for what follows.
                self.lost = self.lost.saturating_add(frames);
                self.audio = Some(cleared(chunk.audio));
            }
        }
    }

    const fn chunk(&self, first_frame: u64, last: bool, audio: Stereo) -> Chunk {
        Chunk { take: self.take, law: self.law, first_frame, lost: self.lost, last, audio }
    }
}

fn cleared(mut audio: Stereo) -> Stereo {
    audio.left.clear();
    audio.right.clear();
    audio
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer of which tests say how many buffers and how much room in the queue it has.
    struct Writer {
        buffers: usize,
        room: usize,
        chunks: Vec<Chunk>,
    }

    impl TakeSink for Writer {
        fn buffer(&mut self) -> Option<Stereo> {
            self.buffers = self.buffers.checked_sub(1)?;
            Some(Stereo::with_room())
        }

        fn deliver(&mut self, chunk: Chunk) -> Result<(), Chunk> {
            if self.chunks.len() >= self.room {
                return Err(chunk);
            }
            self.chunks.push(chunk);
            Ok(())
        }
    }

    fn push(tap: &mut Tap, writer: &mut Writer, frames: usize) {
        (0..frames).for_each(|_| tap.push(writer, Law::Ulaw, &[1; FRAME], &[2; FRAME]));
    }

    fn outline(writer: &Writer) -> Vec<(u64, usize, u32, bool)> {
        writer.chunks.iter().map(|c| (c.first_frame, c.audio.left.len() / FRAME, c.lost, c.last)).collect()
    }

    #[test]
    fn a_take_ends_with_its_rest_and_a_last_chunk() {
        let mut writer = Writer { buffers: 9, room: 9, chunks: vec![] };
        let mut tap = Tap::new(TakeId::from_raw(1), Law::Ulaw);
        push(&mut tap, &mut writer, 30);
        let ended = tap.finish(&mut writer).unwrap();
        assert_eq!(outline(&writer), [(0, 25, 0, false), (25, 5, 0, true)]);
        assert_eq!((ended.frames, ended.lost), (30, 0));
        assert!(writer.chunks[0].audio.right.iter().all(|octet| *octet == 2));
    }

    #[test]
    fn an_empty_pool_loses_frames_but_no_alignment() {
        let mut writer = Writer { buffers: 1, room: 9, chunks: vec![] };
        let mut tap = Tap::new(TakeId::from_raw(1), Law::Ulaw);
        push(&mut tap, &mut writer, 40);
        writer.buffers = 1;
        push(&mut tap, &mut writer, 25);
        let ended = tap.finish(&mut writer).unwrap();
        assert_eq!(outline(&writer), [(0, 25, 0, false), (40, 25, 15, false), (65, 0, 0, true)]);
        assert_eq!((ended.frames, ended.lost), (65, 15));
    }

    #[test]
    fn a_full_queue_loses_the_chunk_and_the_end_waits() {
        let mut writer = Writer { buffers: 9, room: 0, chunks: vec![] };
        let mut tap = Tap::new(TakeId::from_raw(1), Law::Ulaw);
        push(&mut tap, &mut writer, 26);
        assert_eq!(tap.finish(&mut writer), None);
        writer.room = 9;
        assert_eq!(tap.finish(&mut writer).map(|ended| (ended.frames, ended.lost)), Some((26, 25)));
        assert_eq!(outline(&writer), [(25, 1, 25, true)]);
    }

    #[test]
    fn a_change_of_law_begins_a_new_chunk() {
        let mut writer = Writer { buffers: 9, room: 9, chunks: vec![] };
        let mut tap = Tap::new(TakeId::from_raw(1), Law::Ulaw);
        push(&mut tap, &mut writer, 2);
        tap.push(&mut writer, Law::Alaw, &[1; FRAME], &[2; FRAME]);
        tap.finish(&mut writer);
        let laws: Vec<Law> = writer.chunks.iter().map(|chunk| chunk.law).collect();
        assert_eq!(laws, [Law::Ulaw, Law::Alaw]);
        assert_eq!(outline(&writer), [(0, 2, 0, false), (2, 1, 0, true)]);
    }

    #[test]
    fn ticks_that_were_not_run_are_a_gap() {
        let mut writer = Writer { buffers: 9, room: 9, chunks: vec![] };
        let mut tap = Tap::new(TakeId::from_raw(1), Law::Ulaw);
        push(&mut tap, &mut writer, 1);
        tap.skip(&mut writer, 3);
        push(&mut tap, &mut writer, 1);
        tap.finish(&mut writer);
        assert_eq!(outline(&writer), [(0, 1, 0, false), (4, 1, 3, true)]);
    }
}
