//! What a client did wrong, or what was refused to it, as AMQP says it.

use crate::codec::reply_code::{ReplyCode, Severity};
use crate::codec::{ContentHeaderError, MethodError};
use leveret_core::{Cause, Refusal};

/// An error with the code and the text of the close that reports it. The code says whether the channel ends or
/// the connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) code: ReplyCode,
    text: String,
}

impl Fault {
    pub(crate) fn new(code: ReplyCode, text: impl Into<String>) -> Fault {
        Fault { code, text: text.into() }
    }

    /// Whether it ends the connection rather than the channel.
    pub(crate) fn ends_connection(&self) -> bool {
        self.code.severity() == Severity::Connection
    }

    /// The reply text: RabbitMQ writes the code's name before what happened.
    pub(crate) fn reply_text(&self) -> String {
        format!("{} - {}", self.code.name(), self.text)
    }
}

/// The one table from the core's causes to AMQP's codes.
impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        let code = match refusal.cause {
            Cause::NotFound => ReplyCode::NotFound,
            Cause::AccessRefused => ReplyCode::AccessRefused,
            Cause::ResourceLocked => ReplyCode::ResourceLocked,
            Cause::PreconditionFailed => ReplyCode::PreconditionFailed,
            Cause::NotAllowed => ReplyCode::NotAllowed,
            Cause::NotImplemented => ReplyCode::NotImplemented,
            Cause::Internal => ReplyCode::InternalError,
        };
        Fault { code, text: refusal.text }
    }
}

impl From<MethodError> for Fault {
    fn from(error: MethodError) -> Fault {
        Fault::new(error.reply_code(), error.to_string())
    }
}

impl From<ContentHeaderError> for Fault {
    fn from(error: ContentHeaderError) -> Fault {
        Fault::new(error.reply_code(), error.to_string())
    }
}
