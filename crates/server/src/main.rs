//! The binary `leveret`: the broker, and the commands that look after it.

// In a binary nothing is reachable from outside; `pub` says what a module offers to the others.
#![allow(unreachable_pub)]

mod alarm;
mod auth;
mod broker;
mod certificates;
mod command;
mod control;
mod definitions;
mod http;
mod net;
mod options;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run()
}
