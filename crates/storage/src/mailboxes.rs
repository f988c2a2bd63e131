//! Mailboxes on disk: a folder each, a WAV file and its companion for each message. The files are all there is: who changes them
//! has the running switch count anew.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio::{FRAME, Law, RATE, Wav, WavHeader, is_voiced};
use base::{CallId, Pii, TakeId, Wall};
use journal::{Name, Voicemail};

use crate::replace::replace;
use crate::take::ids_of;

/// The folder of all mailboxes, below the data folder.
const FOLDER: &str = "mailboxes";
/// A voice of so many frames of 20 ms makes a message; less is a cough, or the click of a phone.
pub const LEAST_VOICED: u64 = 15;
/// The largest file that is read: an hour, far longer than any message.
const MAX_OCTETS: u64 = 3600 * RATE as u64 * 2 + 44;
/// Octets of a frame of 20 ms.
pub const FRAME_OCTETS: u64 = FRAME as u64 * 2;

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By which the mailbox knows it: the name of its files without the ending.
    pub id: Name,
    /// What is known of it.
    pub head: Voicemail,
}

/// The mailboxes below a data folder.
#[derive(Clone, Debug)]
pub struct Mailboxes(PathBuf);

impl Mailboxes {
    /// Those below the data folder `data`.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self(data.join(FOLDER))
    }

    /// The names of those that hold something, in order.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_name(name))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The messages in a mailbox, the oldest first; none if nobody ever left one.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn list(&self, mailbox: &str) -> io::Result<Vec<Message>> {
        let folder = self.folder(mailbox)?;
        let mut messages: Vec<Message> = files(&folder)?
            .iter()
            .filter_map(|name| id_of(name, ".wav"))
            .map(|id| message(&folder, mailbox, id))
            .collect();
        messages.sort_by(|a, b| (a.head.at, &a.id).cmp(&(b.head.at, &b.id)));
        Ok(messages)
    }

    /// How many messages nobody has heard, and how many somebody has.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn count(&self, mailbox: &str) -> io::Result<(u32, u32)> {
        let messages = self.list(mailbox)?;
        let heard = u32::try_from(messages.iter().filter(|message| message.head.heard).count()).unwrap_or(u32::MAX);
        let all = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        Ok((all.saturating_sub(heard), heard))
    }

    /// A message's sound: a WAV file, mono, 16 bits, 8 kHz.
    ///
    /// # Errors
    /// If there is no such message, or it cannot be read.
    pub fn sound(&self, mailbox: &str, id: &str) -> io::Result<Vec<u8>> {
        read(&self.file(mailbox, id, ".wav")?)
    }

    /// Notes whether a message was heard.
    ///
    /// # Errors
    /// If there is no such message, or the disk does not take it.
    pub fn set_heard(&self, mailbox: &str, id: &str, heard: bool) -> io::Result<()> {
        fs::metadata(self.file(mailbox, id, ".wav")?)?;
        let mut found = message(&self.folder(mailbox)?, mailbox, id);
        found.head.heard = heard;
        write_head(&self.file(mailbox, id, ".json")?, &found.head)
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// If there is no such message, or the disk does not let it go.
    pub fn delete(&self, mailbox: &str, id: &str) -> io::Result<()> {
        fs::remove_file(self.file(mailbox, id, ".wav")?)?;
        // Without its sound it is no message any more.
        drop(fs::remove_file(self.file(mailbox, id, ".json")?));
        Ok(())
    }

    /// Makes the file of a message that is being taken and its companion; gives the file's path.
    pub(crate) fn begin(&self, id: &str, head: &Voicemail) -> io::Result<PathBuf> {
        let folder = self.folder(&head.mailbox)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        write_head(&folder.join(format!(".{id}.json")), head)?;
        Ok(folder.join(format!(".{id}.wav")))
    }

    /// Makes a message of what was taken. Once its file has its name, it is one, whatever happens then.
    pub(crate) fn keep(&self, id: &str, head: &Voicemail) -> io::Result<()> {
        let folder = self.folder(&head.mailbox)?;
        let taken = folder.join(format!(".{id}.wav"));
        File::open(&taken)?.sync_all()?;
        write_head(&folder.join(format!("{id}.json")), head)?;
        fs::rename(&taken, folder.join(format!("{id}.wav")))?;
        drop(fs::remove_file(folder.join(format!(".{id}.json"))));
        Ok(())
    }

    /// What was taken is no message.
    pub(crate) fn discard(&self, mailbox: &str, id: &str) {
        let Ok(folder) = self.folder(mailbox) else { return };
        for ending in [".wav", ".json"] {
            // What stays is looked at by the next start.
            drop(fs::remove_file(folder.join(format!(".{id}{ending}"))));
        }
    }

    /// What was taken and not decided on, as a WAV file.
    pub(crate) fn draft(&self, mailbox: &str, id: &str) -> io::Result<Vec<u8>> {
        read(&self.folder(mailbox)?.join(format!(".{id}.wav")))
    }

    /// After a crash: makes messages of what callers had said by then. Gives how many there are in each mailbox.
    pub(crate) fn recover(&self) -> Vec<(Name, (u32, u32))> {
        let names = self.names().unwrap_or_default();
        let count = |name: String| {
            if let Ok(folder) = self.folder(&name) {
                let taken = files(&folder).unwrap_or_default();
                for id in taken.iter().filter_map(|file| id_of(file.strip_prefix('.')?, ".wav")) {
                    // What cannot be mended stays for a person to look at.
                    drop(self.mend(&folder, &name, id));
                }
            }
            let count = self.count(&name).ok()?;
            Some((name.into(), count))
        };
        names.into_iter().filter_map(count).collect()
    }

    fn mend(&self, folder: &Path, mailbox: &str, id: &str) -> io::Result<()> {
        let path = folder.join(format!(".{id}.wav"));
        let octets = read(&path)?;
        let samples = octets.get(WavHeader::LEN..).unwrap_or_default();
        let frames = samples.chunks_exact(FRAME * 2);
        let count = u64::try_from(frames.len()).unwrap_or(0);
        let voiced = frames.filter(|frame| has_voice(frame)).count();
        if u64::try_from(voiced).unwrap_or(0) < LEAST_VOICED {
            self.discard(mailbox, id);
            return Ok(());
        }
        OpenOptions::new().write(true).open(&path)?.write_all_at(&header(count), 0)?;
        let text = fs::read(folder.join(format!(".{id}.json")))?;
        let mut head: Voicemail = serde_json::from_slice(&text)?;
        head.length_ms = count * 20;
        self.keep(id, &head)
    }

    fn folder(&self, mailbox: &str) -> io::Result<PathBuf> {
        if is_name(mailbox) { Ok(self.0.join(mailbox)) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn file(&self, mailbox: &str, id: &str, ending: &str) -> io::Result<PathBuf> {
        // A name that is no id of ours could lead anywhere.
        let known = id_of(&format!("{id}.wav"), ".wav").is_some();
        if known {
            Ok(self.folder(mailbox)?.join(format!("{id}{ending}")))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}

/// The name of a message's files.
pub fn message_id(call: CallId, take: TakeId) -> String {
    format!("{call}-{take}")
}

/// The header of a message with so many frames.
pub fn header(frames: u64) -> [u8; WavHeader::LEN] {
    WavHeader::mono(RATE).with_data_bytes(frames.saturating_mul(FRAME_OCTETS))
}

/// A prompt of a WAV file's octets.
pub fn prompt(octets: &[u8]) -> Option<leg::Prompt> {
    let wav = Wav::parse(octets).ok()?;
    Some(leg::Prompt::from_samples(&wav.into_8k()))
}

fn has_voice(frame: &[u8]) -> bool {
    let samples = frame.as_chunks::<2>().0.iter().map(|octets| Law::Ulaw.encode_sample(i16::from_le_bytes(*octets)));
    let octets: Vec<u8> = samples.collect();
    is_voiced(Law::Ulaw, &octets)
}

fn is_name(name: &str) -> bool {
    let within = name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    within && !name.is_empty() && name.len() <= 64
}

fn files(folder: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => Ok(entries?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()),
    }
}

fn id_of<'a>(file: &'a str, ending: &str) -> Option<&'a str> {
    let id = file.strip_suffix(ending)?;
    let plain = Path::new(file).file_name() == Some(OsStr::new(file));
    (plain && ids_of(file).is_some()).then_some(id)
}

/// A message whose companion cannot be read is one all the same: somebody spoke.
fn message(folder: &Path, mailbox: &str, id: &str) -> Message {
    let text = fs::read(folder.join(format!("{id}.json"))).unwrap_or_default();
    let head = serde_json::from_slice(&text).unwrap_or_else(|_| Voicemail {
        mailbox: mailbox.into(),
        call: ids_of(&format!("{id}.wav")).map_or(CallId::from_raw(0), |(call, _)| call),
        from: Pii::default(),
        from_name: Pii::default(),
        to: Pii::default(),
        at: Wall::from_unix_micros(0),
        length_ms: 0,
        lost_ms: 0,
        heard: false,
    });
    Message { id: Arc::from(id), head }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > MAX_OCTETS {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read(path)
}

fn write_head(path: &Path, head: &Voicemail) -> io::Result<()> {
    replace(path, |file| {
        serde_json::to_writer(&mut *file, head)?;
        file.write_all(b"\n")
    })
}

#[cfg(test)]
mod tests;
