//! Publishing, with or without confirms: what may be sent, what was, and what came back.

use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::time::Duration;

use leveret_amqp::codec::Method;
use leveret_amqp::codec::method::{basic, confirm};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::confirms::Confirms;
use super::connection::{Connection, method_of};
use super::encoded::Encoded;
use super::{CHANNEL, ClientError, MIN_BODY_BYTES};

/// How a publisher publishes.
#[derive(Clone, Debug)]
pub struct PublishOptions<'a> {
    /// The exchange, empty for the default one.
    pub exchange: &'a str,
    /// The routing keys, at least one, used in turn.
    pub routing_keys: &'a [String],
    /// The sizes of bodies, at least [`MIN_BODY_BYTES`].
    pub sizes: RangeInclusive<usize>,
    /// Whether the messages are to survive a restart.
    pub persistent: bool,
    /// How many messages may wait for their confirm, 0 to publish without confirms.
    pub confirm_window: usize,
    /// Which publisher this is, for [`super::Stamp`].
    pub publisher: u16,
    /// How many groups the messages of each routing key belong to in turn, 0 for messages without a group.
    pub groups: u64,
}

/// A connection that publishes. Its messages are numbered from 0, and each body begins with a [`super::Stamp`].
pub struct Publisher {
    connection: Connection,
    encoded: Encoded,
    confirms: Confirms,
    /// How many messages were sent; the next one's number.
    sent: u64,
}

impl Publisher {
    pub(super) fn new(mut connection: Connection, options: &PublishOptions<'_>) -> Result<Self, ClientError> {
        let least = *options.sizes.start();
        if least < MIN_BODY_BYTES {
            return Err(ClientError::ShortBody { bytes: least as u64 });
        }
        if options.confirm_window > 0 {
            connection.call(CHANNEL, &confirm::Select { nowait: false }, "confirm.select-ok", |answer| {
                matches!(answer, Method::Confirm(confirm::Method::SelectOk(_))).then_some(())
            })?;
        }
        let encoded = Encoded::new(options, connection.frame_max_bytes);
        Ok(Self { connection, encoded, confirms: Confirms::new(options.confirm_window), sent: 0 })
    }

    /// Publishes so many messages as fast as it goes, and with confirms returns when all of them are confirmed.
    ///
    /// # Errors
    /// [`ClientError::Nacked`] for a message that the broker did not take.
    pub fn publish(&mut self, count: u64) -> Result<(), ClientError> {
        let end = self.sent + count;
        while self.sent < end {
            match self.room() {
                0 => self.take_confirms(drop)?,
                room => self.send(room.min(end - self.sent), |_| 0).map(drop)?,
            }
        }
        while self.unconfirmed() > 0 {
            self.take_confirms(drop)?;
        }
        Ok(())
    }

    /// How many messages may be sent now.
    #[inline]
    pub fn room(&self) -> u64 {
        self.confirms.room(self.sent).unwrap_or(u64::MAX)
    }

    /// How many messages were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// How many messages wait for their confirm.
    pub fn unconfirmed(&self) -> u64 {
        self.confirms.room(self.sent).map_or(0, |_| self.sent - self.confirms.settled())
    }

    /// How many messages were sent, and are confirmed if this publisher has confirms.
    #[inline]
    pub fn done(&self) -> u64 {
        self.sent - self.unconfirmed()
    }

    /// Sends some messages in one write, at most `most`, which [`Self::room`] bounds. `intended` says when a message
    /// was to be sent. Returns how many were.
    pub fn send(&mut self, most: u64, mut intended: impl FnMut(u64) -> u64) -> Result<u64, ClientError> {
        let confirms = &mut self.confirms;
        let (count, bytes) = self.encoded.take(self.sent, most, |number| {
            let at = intended(number);
            confirms.sent(number, at);
            at
        });
        self.connection.stream.write_all(bytes)?;
        self.sent += count;
        Ok(count)
    }

    /// Waits until the broker has sent something, at most for so long. Whether it has.
    pub fn wait(&self, most: Duration) -> Result<bool, ClientError> {
        let timeout = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: i64::from(most.subsec_nanos()) };
        let mut fds = [PollFd::new(&self.connection.stream, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(ClientError::Io(io::Error::from(error))),
        }
    }

    /// Waits for something from the broker and handles all that came; `confirmed` is told of each confirmed
    /// message when it was to be sent.
    ///
    /// # Errors
    /// [`ClientError::Nacked`] for a message that the broker did not take.
    pub fn take_confirms(&mut self, mut confirmed: impl FnMut(u64)) -> Result<(), ClientError> {
        let Connection { stream, input, .. } = &mut self.connection;
        input.fill(stream)?;
        while let Some(frame) = input.frame()? {
            match method_of(&frame, "a confirm")? {
                None => {}
                Some(Method::Basic(basic::Method::Ack(ack))) => {
                    self.confirms.settle(ack, self.sent, &mut confirmed)?;
                }
                Some(Method::Basic(basic::Method::Nack(nack))) => {
                    return Err(ClientError::Nacked { delivery_tag: nack.delivery_tag });
                }
                Some(other) => {
                    return Err(ClientError::Unexpected { wanted: "a confirm", got: other.id() });
                }
            }
            let bytes = frame.encoded_bytes();
            input.advance(bytes);
        }
        Ok(())
    }

    /// Ends the connection and waits until the broker has handled all that was published.
    pub fn close(self) -> Result<(), ClientError> {
        self.connection.close()
    }
}
