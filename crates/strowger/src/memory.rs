//! How much of the memory that the system lets the process have is left. A program that asks for more is ended by the
//! system, so calls are refused before.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// With less than this left no further calls are taken; those that live may need it.
const RESERVE: u64 = 16 << 20;

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
