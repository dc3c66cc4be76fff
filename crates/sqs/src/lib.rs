//! The SQS and SNS door, sans I/O: a parsed HTTP request in, commands to the core out; what the core says in, a
//! response out. `docs/sqs.md` says what it speaks.
//!
//! - [`http`]: a request and a response as the server hands them over;
//! - [`protocol`]: AWS JSON 1.0 and AWS Query, one set of parameters and one form of answer for both;
//! - [`mapping`]: SQS's attributes and AMQP's headers and properties;
//! - [`digest`]: the checksums that SDKs compare.

pub mod digest;
pub mod http;
pub mod mapping;
pub mod protocol;
