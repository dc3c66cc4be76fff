//! `leveret serve`: reads the options, sets the log up, and runs the broker.

use super::{USAGE, fail};
use crate::options::{self, LogFormat, ServeOptions};
use clap::{ArgMatches, Command};
use std::process::ExitCode;

/// Exit code of a broker that could not start, or did not end well.
const FAILED: u8 = 1;

pub(super) fn command() -> Command {
    Command::new("serve").about("Start the broker").args(options::flags())
}

pub(super) fn run(given: &ArgMatches) -> ExitCode {
    let (options, chosen) = match options::read(given, |name| std::env::var_os(name)) {
        Ok(read) => read,
        Err(error) => return fail(USAGE, &error),
    };
    log_events(&options);
    for chosen in chosen {
        tracing::debug!("{}", chosen.file_line());
    }
    match crate::serve::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(FAILED)
        }
    }
}

fn log_events(options: &ServeOptions) {
    let events = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(options.log_level)
        .with_target(false);
    match options.log_format {
        LogFormat::Text => events.with_ansi(false).init(),
        LogFormat::Json => events.json().flatten_event(true).init(),
    }
}
