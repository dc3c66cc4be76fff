//! The command line. One file for each command; `bench` is a crate of its own.

mod access_key;
mod log;
mod serve;

use clap::Command;
use std::fmt;
use std::process::ExitCode;

/// Exit code for a command line, an environment or a file that cannot be used.
const USAGE: u8 = 2;

/// Runs the command that the command line names.
pub fn run() -> ExitCode {
    let matches = command_line().get_matches();
    match matches.subcommand() {
        Some(("serve", given)) => serve::run(given),
        Some(("access-key", given)) => access_key::run(given),
        Some(("log", given)) => log::run(given),
        Some(("bench", given)) => leveret_bench::run_command(given),
        Some(("version", _)) => {
            println!("leveret {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        // clap has answered the others.
        _ => ExitCode::from(USAGE),
    }
}

fn command_line() -> Command {
    Command::new("leveret")
        .about("A durable work queue that speaks AMQP 0-9-1")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve::command())
        .subcommand(access_key::command())
        .subcommand(log::command())
        .subcommand(leveret_bench::command())
        .subcommand(Command::new("version").about("Print the version"))
}

/// Says what is wrong, on the standard error, and answers the exit code.
fn fail(code: u8, what: &dyn fmt::Display) -> ExitCode {
    eprintln!("leveret: {what}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command_line().debug_assert();
    }
}
