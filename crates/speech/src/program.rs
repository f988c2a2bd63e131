//! Runs a program that speaks: no shell, a limit to its time and to what it writes, and nothing of it is left behind.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::Fault;
use crate::words::{MAX_OCTETS, Words};

/// Has a program speak a text; gives what it wrote.
///
/// # Errors
/// If it cannot be started, fails, writes too much, or is not done at `due`.
pub(crate) fn run(command: &[String], words: &Words<'_>, due: Instant) -> Result<Vec<u8>, Fault> {
    let (program, arguments) = command.split_first().ok_or(Fault::NotStarted)?;
    let by_argument = arguments.iter().any(|argument| argument.contains("{text}"));
    let mut child = Command::new(program)
        .args(arguments.iter().map(|argument| fill(argument, words)))
        .stdin(if by_argument { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        // It may quote what it is told, so nobody listens.
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|_| Fault::NotStarted)?;
    let heard = listen(&mut child, words.text, due);
    end(&mut child);
    heard
}

/// An argument, with what its words stand for. A text at its beginning is never taken for an option.
fn fill(argument: &str, words: &Words<'_>) -> String {
    let is_option = argument.starts_with("{text}") && words.text.starts_with('-');
    let filled = words.fill(argument);
    if is_option { format!(" {filled}") } else { filled }
}

fn listen(child: &mut Child, text: &str, due: Instant) -> Result<Vec<u8>, Fault> {
    if let Some(mut input) = child.stdin.take() {
        // A text is shorter than a pipe holds, so that this never waits. Who does not read it says so by how it ends.
        match input.write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(Fault::Failed),
            _ => {}
        }
    }
    let mut output = child.stdout.take().ok_or(Fault::Failed)?;
    let mut heard = Vec::new();
    let mut room = vec![0; 64 * 1024];
    loop {
        wait(output.as_fd(), due)?;
        match output.read(&mut room) {
            Ok(0) => break,
            Ok(count) => heard.extend_from_slice(room.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Fault::Failed),
        }
        if heard.len() > MAX_OCTETS {
            return Err(Fault::TooLong);
        }
    }
    wait(process(child).ok_or(Fault::Failed)?.as_fd(), due)?;
    match child.wait() {
        Ok(status) if status.success() => Ok(heard),
        _ => Err(Fault::Failed),
    }
}

/// Waits until there is something to read, or the process is over.
fn wait(fd: BorrowedFd<'_>, due: Instant) -> Result<(), Fault> {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::TooLate);
        }
        // Rounded up, so that it does not spin through the last millisecond.
        let left = Timespec::try_from(left + Duration::from_millis(1)).map_err(|_| Fault::TooLate)?;
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&left)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(_) => return Err(Fault::Failed),
        }
    }
}

fn process(child: &Child) -> Option<OwnedFd> {
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
}

/// Ends the program and all of its group, if it is not over, and buries it.
fn end(child: &mut Child) {
    // Once it was waited for, its number may be another's.
    if !matches!(child.try_wait(), Ok(Some(_))) {
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
        let _ = child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(command: &[&str], text: &str, patience: Duration) -> Result<String, Fault> {
        let command: Vec<String> = command.iter().map(ToString::to_string).collect();
        let words = Words { voice: "v", language: "en", text };
        run(&command, &words, Instant::now() + patience).map(|heard| String::from_utf8(heard).unwrap())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_text_comes_by_the_input_and_what_is_written_is_heard() {
        assert_eq!(spoken(&["cat"], "Hello; `rm` $(rm) 你好", LONG).as_deref(), Ok("Hello; `rm` $(rm) 你好"));
    }

    #[test]
    fn a_text_in_an_argument_is_one_argument_and_no_option() {
        let shown = spoken(&["printf", "<%s>", "{language}-{voice}", "{text}"], "-n a {voice}", LONG);
        assert_eq!(shown.as_deref(), Ok("<en-v>< -n a {voice}>"));
        assert_eq!(spoken(&["printf", "<%s>", "--text={text}"], "-a b", LONG).as_deref(), Ok("<--text=-a b>"));
    }

    #[test]
    fn what_fails_is_told() {
        assert_eq!(spoken(&["no-such-program-here"], "a", LONG), Err(Fault::NotStarted));
        assert_eq!(spoken(&["sh", "-c", "cat; exit 3"], "a", LONG), Err(Fault::Failed));
        assert_eq!(spoken(&["sh", "-c", "exec cat /dev/zero"], "a", LONG), Err(Fault::TooLong));
        assert_eq!(spoken(&["true"], "a", LONG).as_deref(), Ok(""));
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let script = format!("sleep 1000 & echo $$ $! > {}; wait", pids.display());
        // So that it has surely begun.
        let hangs = spoken(&["sh", "-c", &script], "a", Duration::from_secs(2));
        assert_eq!(hangs, Err(Fault::TooLate));
        let written = std::fs::read_to_string(pids).unwrap();
        for pid in written.split_whitespace() {
            // The signal was sent; whoever is no child of ours is gone when the system has seen to it.
            let limit = Instant::now() + LONG;
            loop {
                let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                if state.is_empty() || state.contains(") Z") {
                    break;
                }
                assert!(Instant::now() < limit, "{state}");
                std::thread::yield_now();
            }
        }
        // One that closes its output and lives on is no better.
        let hangs = spoken(&["sh", "-c", "exec >&-; exec sleep 1000"], "a", Duration::from_millis(300));
        assert_eq!(hangs, Err(Fault::TooLate));
    }
}
