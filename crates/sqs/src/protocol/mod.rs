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
pub(crate) use form::percent_encode;
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

impl Service {
    /// What a signature for it names.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Service::Sqs => "sqs",
            Service::Sns => "sns",
            Service::Sts => "sts",
        }
    }
}

/// Whether SQS may carry a text: the characters of XML 1.0 but no other control characters.
pub fn is_valid_text(text: &str) -> bool {
    const BLOCK: usize = 32;
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Every body is looked through, when it comes and when it goes: a block at a time, without an early exit from it,
    // which takes a few vector instructions. U+FFFE and U+FFFF, the two that are no ASCII, begin with 0xEF.
    let plain = |block: &[u8]| !block.iter().fold(false, |any, byte| any | control(*byte) | (*byte == 0xef));
    text.as_bytes().chunks(BLOCK).all(plain)
        || text
            .chars()
            .all(|char| !u8::try_from(char).is_ok_and(control) && !matches!(char, '\u{fffe}' | '\u{ffff}'))
}
