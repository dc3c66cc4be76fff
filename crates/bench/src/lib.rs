//! What puts load on brokers and measures them from outside: `leveret bench` ([`command`], [`run_command`]), and the
//! programs `depth` (what a deep queue costs) and `sqs` (SQS beside other servers of it).
//!
//! - `load` is `leveret bench`: any kind of work, at any broker, open or closed loop.
//! - [`client`] speaks AMQP 0-9-1 over blocking sockets, with so little of its own that the broker is what
//!   is measured.
//! - [`http`] speaks as much HTTP/1.1 as that takes.
//! - [`sqs`] is what is asked of SQS, and read of its answers.
//! - [`broker`] starts a broker on a fresh folder, kills it, and starts it again.
//! - [`observe`] reads what a process and a folder use, and how fast the disk syncs.
//! - [`target`] is which broker a program measures: one of its own, or one that runs already.
//! - [`options`] and [`figures`] are how the programs are told what to do and how they print.
//!
//! Nothing here asserts a time: figures are for people, who know the machine.

pub mod broker;
pub mod client;
pub mod figures;
pub mod http;
mod load;
pub mod observe;
pub mod options;
pub mod sqs;
pub mod target;

pub use load::{command, run_command};
