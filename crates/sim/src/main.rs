//! The simulator: the same core and log as in the server, in a world made of a seed, with an oracle that knows the
//! promises. A seed that fails fails again, step by step the same.
//!
//! - [`world`]: the broker over faulty disks, and what happens to it;
//! - [`client`]: those who use it as the AMQP door does; [`sqs`]: those who use it as the SQS door does;
//! - [`door`]: those who use it through the AMQP door and a network;
//! - [`disk`]: what it writes to;
//! - [`oracle`]: what must hold; [`trace`]: what happened; [`dice`]: the only source of chance.
//!
//! It reads no clock, starts no thread, and depends on no order of a hash table.
#![forbid(unsafe_code)]

mod client;
mod dice;
mod disk;
mod door;
mod oracle;
mod run;
mod sqs;
mod trace;
mod world;

use std::fmt;
use std::process::ExitCode;

/// A promise that was broken, in words.
#[derive(Debug)]
pub(crate) struct Violation(pub(crate) String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const USAGE: &str =
    "usage: sim --seed N [--steps N] [--trace]\n       sim --seeds COUNT [--from N] [--steps N]";

fn main() -> ExitCode {
    match run::Options::parse(std::env::args().skip(1)) {
        Ok(options) if run::run(&options) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
