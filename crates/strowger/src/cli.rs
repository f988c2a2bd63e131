//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// What the program is asked to do.
#[derive(Debug, Parser)]
#[command(
    name = "strowger",
    version,
    about = "A contact-centre softswitch: answers calls, plays menus, queues callers, connects agents, records.",
    after_help = "\
A first call, on one machine:
  strowger check --config config     says whether the configuration is right
  strowger run --config config       prints `listening udp ADDRESS` and `ready`
  then call sip:1000@127.0.0.1 with any SIP phone.

What it writes (journal, call records, recordings) lies in the folder that `data:` in strowger.yaml names.
Signals: SIGTERM or SIGINT once: no new calls, live ones may end in peace for `calls.grace`; twice: ends at once."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub task: Task,
}

/// The program's tasks.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Runs the switch
    ///
    /// Reads and checks the configuration first; nothing starts with a fault in it. Prints one line a listener
    /// (`listening udp 127.0.0.1:5060`) and then `ready`; what goes wrong later stands in the journal.
    Run {
        /// The folder that holds strowger.yaml
        #[arg(long, value_name = "DIR", default_value = "config")]
        config: PathBuf,
    },
    /// Says whether a configuration is right
    ///
    /// Prints every fault with file, line, column and remedy. Exit code 0: it can run; 1: it has faults.
    Check {
        /// The folder that holds strowger.yaml
        #[arg(long, value_name = "DIR", default_value = "config")]
        config: PathBuf,
    },
}
