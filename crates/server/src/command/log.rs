//! `leveret log check DIR`: says what is in a log and whether all of it is whole.

use super::fail;
use clap::{Arg, ArgMatches, Command, value_parser};
use leveret_log::CheckError;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit code for a log that is damaged, or could not be examined.
const DAMAGED: u8 = 1;
/// The file by which the folder of a log is known.
const OWNER: &str = "owner";

pub(super) fn command() -> Command {
    let folder = Arg::new("DIR")
        .help("A data folder, or the folder of one log in it")
        .required(true)
        .value_parser(value_parser!(PathBuf));
    Command::new("log")
        .about("Examine the logs of a data folder")
        .subcommand_required(true)
        .subcommand(Command::new("check").about("Say what is in the logs, and what is damaged").arg(folder))
}

pub(super) fn run(given: &ArgMatches) -> ExitCode {
    let checked = given.subcommand_matches("check").and_then(|given| given.get_one::<PathBuf>("DIR"));
    let folder = checked.expect("clap demands the command `check` and its argument");
    let logs = match logs_in(folder) {
        Ok(logs) if logs.is_empty() => {
            return fail(DAMAGED, &format!("there is no log in {}", folder.display()));
        }
        Ok(logs) => logs,
        Err(error) => return fail(DAMAGED, &format!("cannot read {}: {error}", folder.display())),
    };
    let mut problems = 0;
    for log in logs {
        println!("{}", log.display());
        match leveret_log::check(&log, &mut io::stdout().lock()) {
            Ok(report) => problems += report.problems.len(),
            // Whoever read the output has seen enough.
            Err(CheckError::Output(_)) => return ExitCode::from(DAMAGED),
            Err(error) => {
                eprintln!("leveret: {error}");
                problems += 1;
            }
        }
    }
    if problems == 0 { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) }
}

/// The folder itself if it is a log's, or the logs in it.
fn logs_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if folder.join(OWNER).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut logs = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.join(OWNER).is_file() {
            logs.push(path);
        }
    }
    logs.sort();
    Ok(logs)
}
