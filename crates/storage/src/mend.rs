//! A recording whose switch died: the header is made to say what the file holds.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use audio::{FRAME, WavHeader};

use crate::take::header;

/// Makes the header fit the file's length; gives the length in frames of 20 ms.
pub fn mend(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let audio = file.metadata()?.len().saturating_sub(WavHeader::LEN as u64);
    let frames = audio / (FRAME as u64 * 4);
    let mut found = [0; WavHeader::LEN];
    let read = file.read_exact_at(&mut found, 0);
    if read.is_err() || found != header(frames) {
        file.write_all_at(&header(frames), 0)?;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_header_that_says_less_than_the_file_holds_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut octets = header(1).to_vec();
        octets.resize(44 + 3 * 640 + 100, 7);
        fs::write(&path, &octets).unwrap();
        assert_eq!(mend(&path).unwrap(), 3);
        assert_eq!(fs::read(&path).unwrap()[..44], header(3));
    }

    #[test]
    fn an_empty_file_becomes_an_empty_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        fs::write(&path, b"").unwrap();
        assert_eq!(mend(&path).unwrap(), 0);
        assert_eq!(fs::read(&path).unwrap(), header(0));
    }
}
