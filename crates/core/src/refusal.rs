//! Why the core did not do what it was asked. A door turns a refusal into its own protocol's error.

use std::fmt;

/// The cause of a refusal, in the terms of the field; AMQP has a reply code for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// No such vhost, exchange, queue or message. AMQP 404.
    NotFound,
    /// The user may not do this, or the name is reserved. AMQP 403.
    AccessRefused,
    /// Another connection owns the queue exclusively. AMQP 405.
    ResourceLocked,
    /// It exists but is not as asked, is in use, is not empty, or an argument is wrong. AMQP 406.
    PreconditionFailed,
    /// A limit of the vhost, user or broker stands against it. AMQP 530.
    NotAllowed,
    /// Known, but not offered by this broker. AMQP 540.
    NotImplemented,
    /// The log refuses writes after an I/O error, or a broker fault. AMQP 541.
    Internal,
}

/// A refusal: its cause and the text that a client's log will show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The cause, for code.
    pub cause: Cause,
    /// The text, for people; worded as RabbitMQ words it where clients compare it.
    pub text: String,
}

impl Refusal {
    /// A refusal with its text.
    pub fn new(cause: Cause, text: impl Into<String>) -> Refusal {
        Refusal { cause, text: text.into() }
    }

    /// Shorthand for [`Cause::NotFound`].
    pub fn not_found(text: impl Into<String>) -> Refusal {
        Refusal::new(Cause::NotFound, text)
    }

    /// Shorthand for [`Cause::AccessRefused`].
    pub fn access(text: impl Into<String>) -> Refusal {
        Refusal::new(Cause::AccessRefused, text)
    }

    /// Shorthand for [`Cause::PreconditionFailed`].
    pub fn precondition(text: impl Into<String>) -> Refusal {
        Refusal::new(Cause::PreconditionFailed, text)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refusal {}
