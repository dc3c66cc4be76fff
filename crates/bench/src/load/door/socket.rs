//! A connection over which much may be under way. It reads while it writes: a server that nobody reads from stops reading,
//! too. It knows bytes, and no protocol.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::DoorError;
use crate::client::{SILENCE, WRITE_BYTES};

/// How many bytes are read at once.
const READ_BYTES: usize = 64 << 10;

/// An open connection.
pub(super) struct Socket {
    stream: TcpStream,
    /// What came; up to `handled` it was handled.
    input: Vec<u8>,
    handled: usize,
    /// What is to be written; up to `written` it was.
    pub(super) output: Vec<u8>,
    written: usize,
}

impl Socket {
    /// Connects.
    ///
    /// # Errors
    /// [`DoorError::Unreachable`].
    pub(super) fn open(address: SocketAddr) -> Result<Self, DoorError> {
        let connect = || {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        };
        let stream =
            connect().map_err(|error| DoorError::Unreachable { place: address.to_string(), error })?;
        Ok(Self { stream, input: Vec::new(), handled: 0, output: Vec::new(), written: 0 })
    }

    /// What came and was not handled yet.
    pub(super) fn input(&self) -> &[u8] {
        &self.input[self.handled..]
    }

    /// What `parse` finds at the front of what came, if it has come whole; it counts as handled. `parse` returns it with
    /// its length, and may answer at once.
    ///
    /// # Errors
    /// Those of `parse`.
    #[inline]
    pub(super) fn next<'a, T>(
        &'a mut self,
        parse: impl FnOnce(&'a [u8], &mut Vec<u8>) -> Result<Option<(T, usize)>, DoorError>,
    ) -> Result<Option<T>, DoorError> {
        let next = parse(&self.input[self.handled..], &mut self.output)?;
        Ok(next.map(|(found, bytes)| {
            self.handled += bytes;
            found
        }))
    }

    /// Whether as much is to be written as is written at once.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.output.len() >= WRITE_BYTES
    }

    /// Writes, and waits until the server takes more or has said something.
    ///
    /// # Errors
    /// [`DoorError::Lost`] if the connection fails, or nothing happens for a minute.
    pub(super) fn wait(&mut self) -> Result<(), DoorError> {
        self.wait_at_most(SILENCE)
    }

    /// Does the same, but with another patience than a minute's.
    ///
    /// # Errors
    /// As of [`Self::wait`].
    pub(super) fn wait_at_most(&mut self, most: Duration) -> Result<(), DoorError> {
        if self.exchange(most)? { Ok(()) } else { Err(DoorError::Lost(ErrorKind::TimedOut.into())) }
    }

    /// Writes, and waits until something happens: at most for so long if a time is given, else as [`Self::wait`] does.
    ///
    /// # Errors
    /// As of [`Self::wait`].
    pub(super) fn pass(&mut self, most: Option<Duration>) -> Result<(), DoorError> {
        match most {
            Some(most) => self.exchange(most).map(drop),
            None => self.wait(),
        }
    }

    /// Writes what goes, waits at most so long until the server takes more or has said something, and reads what it
    /// said. Whether anything happened.
    ///
    /// # Errors
    /// [`DoorError::Lost`].
    pub(super) fn exchange(&mut self, most: Duration) -> Result<bool, DoorError> {
        self.write().map_err(DoorError::Lost)?;
        let mut awaited = PollFlags::IN;
        awaited.set(PollFlags::OUT, !self.output.is_empty());
        let timeout = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: i64::from(most.subsec_nanos()) };
        let mut fds = [PollFd::new(&self.stream, awaited)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(DoorError::Lost(error.into())),
        }
        // Whatever else happened to a connection, a read says.
        if fds[0].revents() != PollFlags::OUT {
            self.read().map_err(DoorError::Lost)?;
        }
        Ok(true)
    }

    fn write(&mut self) -> io::Result<()> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        self.input.drain(..self.handled);
        self.handled = 0;
        let before = self.input.len();
        self.input.resize(before + READ_BYTES, 0);
        let read = self.stream.read(&mut self.input[before..]);
        self.input.truncate(before + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}
