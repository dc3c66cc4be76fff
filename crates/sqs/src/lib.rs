//! The SQS and SNS door, sans I/O: a parsed HTTP request in, commands to the core out; what the core says in, a
//! response out. `docs/sqs.md` says what it speaks.
//!
//! - [`answer`]: the way in;
//! - [`http`]: a request and a response as the server hands them over;
//! - [`protocol`]: AWS JSON 1.0 and AWS Query, one set of parameters and one form of answer for both;
//! - [`mapping`]: SQS's attributes and AMQP's headers and properties;
//! - [`sigv4`]: whether a request is from somebody who has an access key;
//! - [`digest`]: the checksums that SDKs compare.

mod actions;
pub mod digest;
mod door;
pub mod http;
mod identity;
pub mod mapping;
mod moment;
pub mod protocol;
pub mod sigv4;
mod sns;
#[cfg(test)]
mod tests;

pub use actions::Waiting;
pub use door::{Answer, Circumstances, DoorSettings, answer, refuse_request};
pub use sns::Signer;
