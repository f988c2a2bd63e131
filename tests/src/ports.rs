//! Ports that no other test uses: a slice of them each, held by a lock on a file for as long as the test runs.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// The range that slices are cut from: below the system's own choice of ports, so that no other socket wanders in.
const FIRST: u16 = 16_384;
const SLICE: u16 = 256;
const SLICES: u16 = 63;

/// Ports of one test. The switch gets those from the front for RTP, phones those from the back.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    next: u16,
    _locks: Vec<File>,
}

impl Ports {
    /// A slice of 256 ports.
    pub fn slice() -> Self {
        Self::slices(1)
    }

    /// `count` slices in a row.
    ///
    /// # Panics
    /// If none are free.
    pub fn slices(count: u16) -> Self {
        let folder = std::env::temp_dir().join("strowger-test-ports");
        std::fs::create_dir_all(&folder).expect("a folder for locks");
        let lock = |slice: u16| {
            let path = folder.join(slice.to_string());
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("a lock file");
            match file.try_lock() {
                Ok(()) => Some(file),
                Err(TryLockError::WouldBlock) => None,
                Err(TryLockError::Error(error)) => panic!("cannot lock: {error}"),
            }
        };
        // Tests begin at different slices, so that ports at rest from the test before are not taken at once.
        let start = u16::try_from(std::process::id() % u32::from(SLICES)).expect("below 63");
        for at in 0..SLICES {
            let slice = (start + at) % SLICES;
            if slice + count > SLICES {
                continue;
            }
            let locks: Vec<File> = (slice..slice + count).map_while(lock).collect();
            if locks.len() == usize::from(count) {
                let first = FIRST + slice * SLICE;
                return Self { first, next: first + count * SLICE - 56, _locks: locks };
            }
        }
        panic!("no {count} slices of ports are free");
    }

    /// The switch's RTP range, as configuration spells it.
    pub fn for_media(&self) -> String {
        format!("{}-{}", self.first, self.end() - 58)
    }

    /// As [`Self::for_media`], but with room for only `count` ports.
    pub fn few_for_media(&self, count: u16) -> String {
        format!("{}-{}", self.first, self.first + count - 1)
    }

    /// The first of `count` ports in a row that are free for UDP and TCP. Even, as RTP wants it.
    ///
    /// # Panics
    /// If the slice is used up.
    pub fn take(&mut self, count: u16) -> u16 {
        loop {
            let port = self.next.next_multiple_of(2);
            self.next = port + count;
            assert!(self.next <= self.end(), "the test's slice of ports is used up");
            if (port..port + count).all(is_free) {
                return port;
            }
        }
    }

    fn end(&self) -> u16 {
        self.first + SLICE * u16::try_from(self._locks.len()).expect("a few slices")
    }
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
