//! How much of the memory that the system lets the process have is left, and giving back what is free. A program that asks
//! for more than it may have is ended by the system, so calls are refused before.
#![allow(unsafe_code, reason = "the C library alone can give back what its allocator keeps")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use base::Mono;
use rustix::process::{Resource, getrlimit};

/// With less than this left no further calls are taken; those that live may need it.
const RESERVE: u64 = 16 << 20;

/// How often it is looked whether there is memory to give back.
const LOOK_AT_CROWD: Duration = Duration::from_secs(5);
/// A crowd of calls and transactions that leaves enough behind for it to matter: some megabytes.
const CROWD: usize = 1024;
/// So few leave nothing worth while behind.
const FEW: usize = 32;

/// Free memory that the C library may keep at the end of what a thread uses. Left to itself it keeps twice the largest
/// piece that was ever freed, and no one can have that back.
#[cfg(target_env = "gnu")]
const KEPT: i32 = 256 << 10;

/// Has the C library keep little free memory. To be called before other threads start.
pub(crate) fn keep_little() {
    // SAFETY: mallopt sets a number under the allocator's own lock.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Knows when a crowd has gone. What it leaves free the C library keeps, scattered between what lives, unless told.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// The most that lived since memory was last given back.
    most: usize,
    /// How many are worth it: a whole crowd, and then what is left of it.
    worth: usize,
    due: Mono,
}

impl Crowd {
    pub const NONE: Self = Self { most: 0, worth: CROWD, due: Mono::ZERO };

    /// True once three quarters of a crowd are gone, and again for what was left of it, down to a few; `living` is how many
    /// calls and transactions there are.
    pub fn has_gone(&mut self, now: Mono, living: usize) -> bool {
        self.most = self.most.max(living);
        if now < self.due {
            return false;
        }
        self.due = now + LOOK_AT_CROWD;
        let gone = self.most >= self.worth && living <= self.most / 4;
        if gone {
            self.most = living;
            self.worth = if living > FEW { FEW } else { CROWD };
        }
        gone
    }
}

/// Gives free memory back to the system, on a thread of its own, as it takes milliseconds.
pub(crate) fn give_back() {
    renew_cache();
    // A system without a thread to spare has other sorrows; the next crowd is another chance.
    drop(std::thread::Builder::new().name("give-back".into()).spawn(|| {
        // SAFETY: malloc_trim takes the allocator's own locks, and touches free memory only.
        #[cfg(target_env = "gnu")]
        unsafe {
            libc::malloc_trim(0);
        }
    }));
}

/// The largest pieces that the C library caches for a thread, and how many of each size it caches.
const CACHED: (usize, usize) = (1032, 7);

/// Exchanges the pieces in the calling thread's cache, which lie scattered over what a crowd used and keep a page each from
/// being given back, for pieces that lie together.
fn renew_cache() {
    let (largest, count) = CACHED;
    let piece = |size| std::hint::black_box(Vec::<u8>::with_capacity(size));
    let sizes = || (24..=largest).step_by(16);
    let sets: Vec<Vec<Vec<u8>>> = sizes().map(|size| (0..2 * count).map(|_| piece(size)).collect()).collect();
    for mut set in sets {
        // The scattered pieces came first; those that are freed first are cached in their place.
        set.reverse();
        drop(set);
    }
}

/// What the system says of memory.
#[derive(Debug)]
pub(crate) struct Memory {
    /// How much the process has; `None`: the system does not say, and nothing is ever short.
    used: Option<File>,
    /// The limit of the process's control group, in octets.
    group: Option<u64>,
}

/// What the process has, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    /// Of its address space.
    space: u64,
    /// Of the machine's memory.
    resident: u64,
}

impl Memory {
    pub fn open() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let group =
            limit_files(&groups).into_iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
        Self { used: File::open("/proc/self/status").ok(), group: group.min() }
    }

    /// True if so little is left that no further calls should be taken.
    pub fn is_short(&self) -> bool {
        // It may be changed from outside while the process runs.
        let space = getrlimit(Resource::As).current;
        if space.is_none() && self.group.is_none() {
            return false;
        }
        self.used().is_some_and(|used| is_short(space, used.space) || is_short(self.group, used.resident))
    }

    fn used(&self) -> Option<Used> {
        let mut text = [0; 4096];
        let length = self.used.as_ref()?.read_at(&mut text, 0).ok()?;
        parse(std::str::from_utf8(text.get(..length)?).ok()?)
    }
}

fn is_short(limit: Option<u64>, used: u64) -> bool {
    limit.is_some_and(|limit| limit.saturating_sub(used) < RESERVE)
}

/// What `/proc/self/status` says.
fn parse(text: &str) -> Option<Used> {
    let octets = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Used { space: octets("VmSize:")?, resident: octets("VmRSS:")? })
}

/// Where the limits of the control groups stand that `/proc/self/cgroup` names, those of the groups above included. In a
/// container the group is the root of what is mounted.
fn limit_files(groups: &str) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        let group = Path::new(group.trim_start_matches('/'));
        files.extend(group.ancestors().map(|group| Path::new(root).join(group).join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_16_mb_are_kept() {
        assert!(!is_short(None, u64::MAX));
        assert!(!is_short(Some(100 << 20), 84 << 20));
        assert!(is_short(Some(100 << 20), (84 << 20) + 1));
        assert!(is_short(Some(100 << 20), 200 << 20));
    }

    #[test]
    fn memory_is_given_back_as_a_crowd_goes_and_never_while_it_lasts() {
        let mut crowd = Crowd::NONE;
        let at = |seconds| Mono::ZERO + Duration::from_secs(seconds);
        let mut given = Vec::new();
        for (seconds, living) in
            [(0, 10), (10, 4000), (20, 3000), (30, 1001), (40, 1000), (50, 900), (60, 0), (70, 2000), (71, 0), (75, 3)]
        {
            if crowd.has_gone(at(seconds), living) {
                given.push(seconds);
            }
        }
        assert_eq!(given, [40, 60, 75]);
    }

    #[test]
    fn what_the_system_says_is_read() {
        let text = "Name:\tstrowger\nVmPeak:\t  560765 kB\nVmSize:\t  560764 kB\nVmRSS:\t   17180 kB\nThreads:\t9\n";
        assert_eq!(parse(text), Some(Used { space: 560_764 << 10, resident: 17_180 << 10 }));
        assert_eq!(parse("VmSize:\t  560764 kB\n"), None);
        let memory = Memory::open();
        let used = memory.used().unwrap();
        assert!(used.space > used.resident && used.resident > 100_000, "{used:?}");
    }

    #[test]
    fn groups_of_either_version_have_their_limits_looked_for() {
        let shown = |groups| limit_files(groups).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            shown("0::/system.slice/strowger.service\n"),
            [
                "/sys/fs/cgroup/system.slice/strowger.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
        assert_eq!(
            shown("5:memory:/a\n4:cpu,cpuacct:/a\nrubbish\n"),
            ["/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        );
    }
}
