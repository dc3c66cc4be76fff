//! AWS JSON 1.0 and AWS Query: one set of parameters and one form of answer for both.

mod error;
mod form;
mod json;
mod output;
mod params;
mod render;
mod request;
#[cfg(test)]
mod tests;

pub use error::{ApiError, Code};
pub use form::percent_decoded;
pub use output::Output;
pub use params::{AttributeValue, MessageAttribute, Params};
pub use render::{failure, success};
pub use request::{Call, Malformed, parse};

/// Which of AWS's protocols a request is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json,
    /// A form in, XML out.
    Query,
}

/// Which service a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// Queues.
    Sqs,
    /// Topics.
    Sns,
    /// Who am I.
    Sts,
}

/// Whether SQS may carry a text: the characters of XML 1.0 but no other control characters.
pub fn is_valid_text(text: &str) -> bool {
    // Looked at as bytes, which is what almost every body takes: other control characters are ASCII, and the two
    // characters beyond them are rare.
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    !text.as_bytes().iter().any(control) && !text.contains(['\u{fffe}', '\u{ffff}'])
}
