//! What can go wrong between the client and a broker.

use std::{fmt, io};

use leveret_amqp::codec::{ContentHeaderError, FrameError, MethodError};

/// Why a call to the broker did not end well. The connection is of no use afterwards.
#[derive(Debug)]
pub enum ClientError {
    /// The socket failed, or the broker said nothing for the length of a timeout.
    Io(io::Error),
    /// The broker closed the socket without a word.
    EndOfStream,
    /// The broker sent what is not a frame.
    Frame(FrameError),
    /// The broker sent a method that cannot be read.
    Method(MethodError),
    /// The broker sent a content header that cannot be read.
    ContentHeader(ContentHeaderError),
    /// The broker closed the channel or the connection.
    Closed {
        /// The reply code.
        code: u16,
        /// The reply text.
        text: String,
    },
    /// The broker sent something else than what it was asked for.
    Unexpected {
        /// What was waited for.
        wanted: &'static str,
        /// Class and method of what came, or 0 and 0 for a piece of a content.
        got: (u16, u16),
    },
    /// The broker did not take a message into its care.
    Nacked {
        /// The message's delivery tag.
        delivery_tag: u64,
    },
    /// The broker confirmed a message that was not published, or confirmed one twice.
    WrongConfirm {
        /// The delivery tag of the confirm.
        delivery_tag: u64,
    },
    /// A body is too short to begin with a sequence number.
    ShortBody {
        /// How many bytes it has.
        bytes: u64,
    },
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection to the broker failed: {error}"),
            Self::EndOfStream => f.write_str("the broker closed the socket without a word"),
            Self::Frame(error) => write!(f, "the broker sent a bad {error}"),
            Self::Method(error) => write!(f, "the broker sent a bad method: {error}"),
            Self::ContentHeader(error) => write!(f, "the broker sent a bad content header: {error}"),
            Self::Closed { code, text } => write!(f, "the broker closed with {code}: {text}"),
            Self::Unexpected { wanted, got: (class, method) } => {
                write!(f, "the broker sent method {class}.{method} in place of {wanted}")
            }
            Self::Nacked { delivery_tag } => write!(f, "the broker nacked message {delivery_tag}"),
            Self::WrongConfirm { delivery_tag } => {
                write!(f, "the broker confirmed message {delivery_tag}, which did not wait for it")
            }
            Self::ShortBody { bytes } => write!(f, "a body of {bytes} bytes has no sequence number"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<FrameError> for ClientError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl From<MethodError> for ClientError {
    fn from(error: MethodError) -> Self {
        Self::Method(error)
    }
}

impl From<ContentHeaderError> for ClientError {
    fn from(error: ContentHeaderError) -> Self {
        Self::ContentHeader(error)
    }
}
