//! The `strowger` program, without strategies of anybody's own: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    strowger::Strowger::new().main()
}
