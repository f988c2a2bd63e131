//! Voice messages that are being taken: audio comes in chunks, as that of recordings does; then somebody decides whether it is kept.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use audio::{FRAME, is_voiced};
use base::TakeId;
use journal::{LetterOrder, Voicemail};
use leg::{Chunk, Stereo};

use crate::disk::{Disk, TakeFile};
use crate::mailboxes::{FRAME_OCTETS, LEAST_VOICED, Mailboxes, header, message_id, prompt};
use crate::notice::Notify;
use crate::take::write_all;
use crate::{LetterEvent, Message, Notice};

/// Frames of a message at most: an hour. More is a fault in the chunk.
const MAX_FRAMES: u64 = 3600 * 50;

/// Messages that were begun, and the mailboxes. A value without a thread.
pub struct Letters {
    mailboxes: Mailboxes,
    disk: Box<dyn Disk>,
    drafts: BTreeMap<TakeId, Draft>,
    samples: Vec<u8>,
    notify: Notify,
}

/// A message that is being taken, or waits for its verdict.
struct Draft {
    id: String,
    head: Voicemail,
    /// None once it has ended, or if the disk took none.
    file: Option<Box<dyn TakeFile>>,
    /// Its length in frames of 20 ms, lost ones included.
    frames: u64,
    voiced: u64,
    lost: u64,
    ended: bool,
}

impl Letters {
    pub fn new(data: &Path, disk: Box<dyn Disk>, notify: Notify) -> Self {
        let mailboxes = Mailboxes::of(data);
        Self { mailboxes, disk, drafts: BTreeMap::new(), samples: Vec::new(), notify }
    }

    /// A message is about to begin.
    pub fn begin(&mut self, take: TakeId, head: Voicemail) {
        let id = message_id(head.call, take);
        let made = self.mailboxes.begin(&id, &head).and_then(|path| {
            let mut file = self.disk.create_private(&path)?;
            write_all(&mut *file, &header(0), 0)?;
            Ok(file)
        });
        let file = made.ok();
        let (frames, voiced, lost, ended) = (0, 0, 0, false);
        self.drafts.insert(take, Draft { id, head, file, frames, voiced, lost, ended });
    }

    /// Takes a chunk of a message; gives one of anything else back.
    pub fn chunk(&mut self, chunk: Chunk) -> Result<Stereo, Chunk> {
        let Some(draft) = self.drafts.get_mut(&chunk.take) else { return Err(chunk) };
        let frames = u64::try_from(chunk.audio.left.len() / FRAME).unwrap_or(0);
        let end = chunk.first_frame.saturating_add(frames);
        if !draft.ended && chunk.first_frame >= draft.frames && end <= MAX_FRAMES {
            draft.lost += chunk.first_frame - draft.frames;
            draft.frames = end;
            if frames > 0 && draft.write(&chunk, &mut self.samples).is_err() {
                draft.lost += frames;
            }
        }
        if chunk.last {
            self.finish(chunk.take);
        }
        Ok(chunk.audio)
    }

    /// Ends a message, if its last chunk has not done so. False if there is none.
    pub fn finish(&mut self, take: TakeId) -> bool {
        let Some(draft) = self.drafts.get_mut(&take) else { return false };
        if !std::mem::replace(&mut draft.ended, true) {
            draft.file = None;
            draft.head.length_ms = draft.frames.saturating_mul(20);
            draft.head.lost_ms = draft.lost.saturating_mul(20);
            let event = match () {
                () if draft.lost >= draft.frames && draft.frames > 0 => LetterEvent::Failed,
                () if draft.voiced < LEAST_VOICED => LetterEvent::NothingSaid,
                () => LetterEvent::Taken,
            };
            (self.notify)(Notice::Letter { take, event });
        }
        true
    }

    /// Does what was ordered.
    pub fn handle(&mut self, order: LetterOrder) {
        match order {
            LetterOrder::Take(take, head) => self.begin(take, *head),
            LetterOrder::Keep(take) => self.keep(take),
            LetterOrder::Discard(take) => self.discard(take),
            LetterOrder::LoadTaken(call, play, take) => {
                (self.notify)(Notice::Loaded { call, play, sound: self.load_draft(take) });
            }
            LetterOrder::Load(call, play, mailbox, id) => {
                (self.notify)(Notice::Loaded { call, play, sound: self.load(&mailbox, &id) });
            }
            LetterOrder::List(call, mailbox) => {
                (self.notify)(Notice::Listed { call, messages: self.list(&mailbox) });
            }
            LetterOrder::SetHeard(mailbox, id, heard) => self.set_heard(&mailbox, &id, heard),
            LetterOrder::Delete(mailbox, id) => self.delete(&mailbox, &id),
            LetterOrder::Count(mailbox) => self.count(&mailbox),
        }
    }

    /// Makes a message of what was taken.
    pub fn keep(&mut self, take: TakeId) {
        // Its beginning got lost. Whoever waits for its end is told.
        let Some(draft) = self.drafts.remove(&take) else {
            return (self.notify)(Notice::Letter { take, event: LetterEvent::Lost });
        };
        let event = match self.mailboxes.keep(&draft.id, &draft.head) {
            Ok(()) => LetterEvent::Kept(Message { id: draft.id.as_str().into(), head: draft.head.clone() }),
            Err(error) => {
                (self.notify)(Notice::DiskFault { what: "mailboxes", error: error.to_string() });
                LetterEvent::Lost
            }
        };
        (self.notify)(Notice::Letter { take, event });
        self.count(&draft.head.mailbox);
    }

    /// Throws away what was taken.
    pub fn discard(&mut self, take: TakeId) {
        if let Some(draft) = self.drafts.remove(&take) {
            self.mailboxes.discard(&draft.head.mailbox, &draft.id);
        }
        (self.notify)(Notice::Letter { take, event: LetterEvent::Discarded });
    }

    /// Tells what a caller has said, and nobody has decided on.
    pub fn load_draft(&self, take: TakeId) -> Option<leg::Prompt> {
        let draft = self.drafts.get(&take)?;
        prompt(&self.mailboxes.draft(&draft.head.mailbox, &draft.id).ok()?)
    }

    /// The sound of a message.
    pub fn load(&self, mailbox: &str, id: &str) -> Option<leg::Prompt> {
        prompt(&self.mailboxes.sound(mailbox, id).ok()?)
    }

    /// What is in a mailbox; nothing if it cannot be read.
    pub fn list(&self, mailbox: &str) -> Vec<Message> {
        self.mailboxes.list(mailbox).unwrap_or_default()
    }

    /// Notes whether a message was heard.
    pub fn set_heard(&self, mailbox: &str, id: &str, heard: bool) {
        self.changed(mailbox, self.mailboxes.set_heard(mailbox, id, heard));
    }

    /// Deletes a message.
    pub fn delete(&self, mailbox: &str, id: &str) {
        self.changed(mailbox, self.mailboxes.delete(mailbox, id));
    }

    /// Tells how many messages there are.
    pub fn count(&self, mailbox: &str) {
        if let Ok((new, old)) = self.mailboxes.count(mailbox) {
            (self.notify)(Notice::Mailbox { mailbox: mailbox.into(), new, old });
        }
    }

    /// Makes messages of all that callers have said.
    pub fn stop(mut self) {
        let takes: Vec<TakeId> = self.drafts.keys().copied().collect();
        for take in takes {
            self.finish(take);
            match self.drafts.get(&take).map(|draft| draft.voiced >= LEAST_VOICED) {
                Some(true) => self.keep(take),
                _ => self.discard(take),
            }
        }
    }

    fn changed(&self, mailbox: &str, outcome: io::Result<()>) {
        match outcome {
            // Somebody else deleted it meanwhile.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                (self.notify)(Notice::DiskFault { what: "mailboxes", error: error.to_string() });
            }
            _ => {}
        }
        self.count(mailbox);
    }
}

impl Draft {
    /// Writes a chunk at its place: the samples, then the header, which makes them part of the file.
    fn write(&mut self, chunk: &Chunk, samples: &mut Vec<u8>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        samples.clear();
        samples.extend(chunk.audio.left.iter().flat_map(|&octet| chunk.law.decode_sample(octet).to_le_bytes()));
        let at = u64::try_from(header(0).len()).unwrap_or(0) + chunk.first_frame.saturating_mul(FRAME_OCTETS);
        write_all(&mut **file, samples, at)?;
        write_all(&mut **file, &header(self.frames), 0)?;
        let voiced = chunk.audio.left.chunks(FRAME).filter(|frame| is_voiced(chunk.law, frame)).count();
        self.voiced += u64::try_from(voiced).unwrap_or(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
