//! A connection to beanstalkd over which many commands may be under way.

use std::net::SocketAddr;

use super::wire::{Answer, parse};
use crate::load::door::DoorError;
use crate::load::door::socket::Socket;

/// An open connection.
pub(super) struct Session {
    /// Commands are added to its output.
    pub(super) socket: Socket,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// [`DoorError::Unreachable`].
    pub(super) fn open(address: SocketAddr) -> Result<Self, DoorError> {
        Ok(Self { socket: Socket::open(address)? })
    }

    /// Sends a command, without its end, and waits for its answer. Nothing else is under way.
    ///
    /// # Errors
    /// [`DoorError::Lost`], and [`DoorError::Misread`] for what is no answer.
    pub(super) fn call(&mut self, command: &str) -> Result<Answer<'_>, DoorError> {
        self.socket.output.extend_from_slice(command.as_bytes());
        self.socket.output.extend_from_slice(b"\r\n");
        while parse(self.socket.input())?.is_none() {
            self.socket.wait()?;
        }
        self.answer()?.ok_or(DoorError::Misread("answer"))
    }

    /// The next answer, if it has come.
    ///
    /// # Errors
    /// [`DoorError::Misread`].
    #[inline]
    pub(super) fn answer(&mut self) -> Result<Option<Answer<'_>>, DoorError> {
        self.socket.next(|input, _| parse(input))
    }
}
