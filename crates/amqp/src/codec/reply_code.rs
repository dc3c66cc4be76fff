//! The codes of channel.close, connection.close and basic.return.

use std::fmt;

/// Declares the codes: variant, number, name on the wire, and whether it ends the whole connection.
macro_rules! reply_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal $class:ident,)*) => {
        /// A reply code. The names are the specification's constants, spelled as RabbitMQ spells them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ReplyCode {
            $($(#[$doc])* $variant,)*
        }

        impl ReplyCode {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            pub const fn code(self) -> u16 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name with which a reply text starts.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the error ends.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$class,)* }
            }

            /// The code with that number, if it is one.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

/// What an error ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Nothing: the code reports success.
    Success,
    /// The channel on which it happened. On channel 0 there is none, and the connection ends.
    Channel,
    /// The connection.
    Connection,
}

reply_codes! {
    /// An orderly close.
    Success = 200 "REPLY_SUCCESS" Success,
    /// The content is larger than the receiver takes.
    ContentTooLarge = 311 "CONTENT_TOO_LARGE" Channel,
    /// No queue is bound to receive a mandatory message.
    NoRoute = 312 "NO_ROUTE" Channel,
    /// No consumer is there to take an immediate message at once.
    NoConsumers = 313 "NO_CONSUMERS" Channel,
    /// An operator closed the connection.
    ConnectionForced = 320 "CONNECTION_FORCED" Connection,
    /// The vhost is not known.
    InvalidPath = 402 "INVALID_PATH" Connection,
    /// The user may not do this, or the resource may not be used so.
    AccessRefused = 403 "ACCESS_REFUSED" Channel,
    /// No queue or exchange has that name.
    NotFound = 404 "NOT_FOUND" Channel,
    /// Another connection has the queue to itself.
    ResourceLocked = 405 "RESOURCE_LOCKED" Channel,
    /// The request does not fit the state of what it is about.
    PreconditionFailed = 406 "PRECONDITION_FAILED" Channel,
    /// A frame cannot be decoded.
    FrameError = 501 "FRAME_ERROR" Connection,
    /// A method's arguments are malformed.
    SyntaxError = 502 "SYNTAX_ERROR" Connection,
    /// The method is out of order.
    CommandInvalid = 503 "COMMAND_INVALID" Connection,
    /// The channel is not open, or is open already.
    ChannelError = 504 "CHANNEL_ERROR" Connection,
    /// The frame is not one that may come now.
    UnexpectedFrame = 505 "UNEXPECTED_FRAME" Connection,
    /// The server lacks the means.
    ResourceError = 506 "RESOURCE_ERROR" Connection,
    /// The client may not do this whoever it is.
    NotAllowed = 530 "NOT_ALLOWED" Connection,
    /// The server does not know the method or the option.
    NotImplemented = 540 "NOT_IMPLEMENTED" Connection,
    /// The server failed.
    InternalError = 541 "INTERNAL_ERROR" Connection,
}

/// As in a reply text, which RabbitMQ writes `NAME - what happened`.
impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
