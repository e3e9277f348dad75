//! Start, dispatch, exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(groupshift::cli::run(std::env::args_os()))
}
