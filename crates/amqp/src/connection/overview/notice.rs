//! What the broker's log should hear of a connection: whoever drives the connection takes the notices out and
//! writes them there. The client is told less, at times on purpose.

use std::fmt;

/// Notices kept at most; of those that nobody takes, the oldest are dropped.
const KEPT: usize = 64;

/// Something that an operator may want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The client speaks another protocol.
    OtherProtocol,
    /// A login was refused.
    LoginRefused {
        /// With which mechanism.
        mechanism: &'static str,
        /// Why; the client does not hear it.
        reason: String,
    },
    /// The client has logged in and entered a vhost.
    Opened {
        /// The user.
        user: String,
        /// The vhost.
        vhost: String,
    },
    /// A channel was closed for a mistake of the client, or a refusal.
    ChannelFault {
        /// Its number.
        channel: u16,
        /// The reply text.
        text: String,
    },
    /// The connection was closed for a mistake of the client, or a refusal.
    ConnectionFault {
        /// The reply text.
        text: String,
    },
    /// The client was silent for too long.
    Silent,
    /// The client took too long to log in, or to answer a close.
    TooSlow,
}

impl Notice {
    /// Whether it is about something that went wrong.
    pub fn is_warning(&self) -> bool {
        !matches!(self, Notice::Opened { .. })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::OtherProtocol => f.write_str("the client does not speak AMQP 0-9-1"),
            Notice::LoginRefused { mechanism, reason } => write!(f, "{mechanism} login refused: {reason}"),
            Notice::Opened { user, vhost } => write!(f, "user '{user}' has entered vhost '{vhost}'"),
            Notice::ChannelFault { channel, text } => write!(f, "channel {channel} closed: {text}"),
            Notice::ConnectionFault { text } => write!(f, "connection closed: {text}"),
            Notice::Silent => f.write_str("missed heartbeats from the client"),
            Notice::TooSlow => f.write_str("the client took too long to log in or to close"),
        }
    }
}

/// The notices of a connection that were not taken yet.
#[derive(Debug, Default)]
pub(in crate::connection) struct Notices {
    kept: Vec<Notice>,
}

impl Notices {
    pub(in crate::connection) fn add(&mut self, notice: Notice) {
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push(notice);
    }

    pub(in crate::connection) fn take(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.kept)
    }
}
