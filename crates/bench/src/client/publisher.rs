//! Publishing as fast as it goes, with or without confirms.

use std::io::Write;

use leveret_amqp::codec::method::{basic, confirm};
use leveret_amqp::codec::{Method, write_content};
use leveret_core::wire::RawProperties;

use super::connection::{Connection, method_of};
use super::{CHANNEL, ClientError, MIN_BODY_BYTES, WRITE_BYTES};

/// How a publisher publishes.
#[derive(Clone, Copy, Debug)]
pub struct PublishOptions {
    /// The size of a body, at least [`MIN_BODY_BYTES`].
    pub body_bytes: usize,
    /// Whether the messages are to survive a restart.
    pub persistent: bool,
    /// How many messages may wait for their confirm, 0 to publish without confirms.
    pub confirm_window: usize,
}

/// A connection that publishes. Its messages are numbered from 0, and each body begins with its number.
pub struct Publisher {
    connection: Connection,
    batch: Batch,
    confirms: Confirms,
    /// How many messages were sent; the next one's number.
    sent: u64,
}

impl Publisher {
    pub(super) fn new(
        mut connection: Connection,
        queue: &str,
        options: PublishOptions,
    ) -> Result<Self, ClientError> {
        if options.body_bytes < MIN_BODY_BYTES {
            return Err(ClientError::ShortBody { bytes: options.body_bytes as u64 });
        }
        if options.confirm_window > 0 {
            connection.call(CHANNEL, &confirm::Select { nowait: false }, "confirm.select-ok", |answer| {
                matches!(answer, Method::Confirm(confirm::Method::SelectOk(_))).then_some(())
            })?;
        }
        let batch = Batch::new(queue, options, connection.frame_max_bytes);
        Ok(Self { connection, batch, confirms: Confirms::new(options.confirm_window), sent: 0 })
    }

    /// Publishes so many messages, and with confirms returns when all of them are confirmed.
    ///
    /// # Errors
    /// [`ClientError::Nacked`] for a message that the broker did not take.
    pub fn publish(&mut self, count: u64) -> Result<(), ClientError> {
        let end = self.sent + count;
        while self.sent < end {
            let left = (end - self.sent).min(self.batch.capacity());
            let batch = match self.confirms.room(self.sent) {
                Some(0) => {
                    self.wait_for_confirms()?;
                    continue;
                }
                Some(room) => left.min(room),
                None => left,
            };
            self.connection.stream.write_all(self.batch.numbered(self.sent, batch))?;
            self.sent += batch;
        }
        while self.confirms.room(self.sent).is_some() && self.confirms.settled < self.sent {
            self.wait_for_confirms()?;
        }
        Ok(())
    }

    /// Ends the connection and waits until the broker has handled all that was published.
    pub fn close(self) -> Result<(), ClientError> {
        self.connection.close()
    }

    /// Waits for something from the broker and handles all that came.
    fn wait_for_confirms(&mut self) -> Result<(), ClientError> {
        let Connection { stream, input, .. } = &mut self.connection;
        input.fill(stream)?;
        while let Some(frame) = input.frame()? {
            match method_of(&frame, "a confirm")? {
                None => {}
                Some(Method::Basic(basic::Method::Ack(ack))) => self.confirms.settle(ack, self.sent)?,
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
}

/// A run of messages in the form in which they are sent. Only the numbers differ from one run to the next, so
/// a message costs eight bytes of writing.
struct Batch {
    bytes: Vec<u8>,
    message_bytes: usize,
    /// Where the body begins within a message.
    body_start: usize,
}

impl Batch {
    fn new(queue: &str, options: PublishOptions, frame_max_bytes: u32) -> Self {
        let properties = RawProperties {
            delivery_mode: Some(if options.persistent { 2 } else { 1 }),
            ..Default::default()
        };
        let mut property_list = Vec::new();
        properties.encode(&mut property_list).expect("a delivery mode alone is within every limit");
        let method = basic::Publish {
            ticket: 0,
            exchange: "",
            routing_key: queue,
            mandatory: false,
            immediate: false,
        };
        let mut message = Vec::new();
        let write = |out: &mut Vec<u8>, body: &[u8]| {
            write_content(out, CHANNEL, frame_max_bytes, &method, &property_list, body);
        };
        write(&mut message, &[]);
        let body_start = message.len() + leveret_amqp::codec::frame::FRAME_HEADER_BYTES;
        message.clear();
        write(&mut message, &vec![b'x'; options.body_bytes]);
        let count = (WRITE_BYTES / message.len()).max(1);
        Self { bytes: message.repeat(count), message_bytes: message.len(), body_start }
    }

    /// How many messages there are.
    fn capacity(&self) -> u64 {
        (self.bytes.len() / self.message_bytes) as u64
    }

    /// `count` messages, numbered from `first`.
    fn numbered(&mut self, first: u64, count: u64) -> &[u8] {
        let bytes = &mut self.bytes[..count as usize * self.message_bytes];
        for (message, number) in bytes.chunks_exact_mut(self.message_bytes).zip(first..) {
            message[self.body_start..self.body_start + MIN_BODY_BYTES].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }
}

/// Which messages are confirmed. Tags are the broker's, from 1: message n has tag n + 1.
struct Confirms {
    /// Every message below is confirmed.
    settled: u64,
    /// Whether the message with that number, modulo the window, was confirmed out of turn. Empty without
    /// confirms.
    early: Vec<bool>,
}

impl Confirms {
    fn new(window: usize) -> Self {
        Self { settled: 0, early: vec![false; window] }
    }

    /// How many more messages may be sent, or `None` if there is no bound.
    fn room(&self, sent: u64) -> Option<u64> {
        let window = self.early.len() as u64;
        (window > 0).then(|| window - (sent - self.settled))
    }

    fn settle(&mut self, ack: basic::Ack, sent: u64) -> Result<(), ClientError> {
        let basic::Ack { delivery_tag, multiple } = ack;
        if delivery_tag <= self.settled || delivery_tag > sent {
            return Err(ClientError::WrongConfirm { delivery_tag });
        }
        let last = delivery_tag - 1;
        if multiple {
            for number in self.settled..last {
                *self.early_mut(number) = false;
            }
            self.settled = last;
        }
        let known = std::mem::replace(self.early_mut(last), true);
        if known && !multiple {
            return Err(ClientError::WrongConfirm { delivery_tag });
        }
        while std::mem::take(self.early_mut(self.settled)) {
            self.settled += 1;
        }
        Ok(())
    }

    fn early_mut(&mut self, number: u64) -> &mut bool {
        let slot = number as usize % self.early.len();
        &mut self.early[slot]
    }
}

#[cfg(test)]
mod tests {
    use leveret_amqp::codec::Published;

    use super::*;

    fn ack(delivery_tag: u64, multiple: bool) -> basic::Ack {
        basic::Ack { delivery_tag, multiple }
    }

    #[test]
    fn confirms_come_in_any_order() {
        let mut confirms = Confirms::new(4);
        assert_eq!(confirms.room(4), Some(0));
        confirms.settle(ack(2, false), 4).unwrap();
        assert_eq!(confirms.room(4), Some(0), "the first one still waits");
        confirms.settle(ack(1, false), 4).unwrap();
        assert_eq!(confirms.room(4), Some(2));
        confirms.settle(ack(6, false), 6).unwrap();
        confirms.settle(ack(5, true), 6).unwrap();
        assert_eq!(confirms.settled, 6, "what was confirmed early counts");
        assert_eq!(confirms.room(6), Some(4));
        assert_eq!(Confirms::new(0).room(6), None);
    }

    #[test]
    fn a_confirm_of_nothing_is_an_error() {
        let mut confirms = Confirms::new(8);
        confirms.settle(ack(3, true), 6).unwrap();
        confirms.settle(ack(5, false), 6).unwrap();
        for wrong in [ack(0, true), ack(3, false), ack(5, false), ack(7, true)] {
            let refused = confirms.settle(wrong, 6);
            assert!(matches!(refused, Err(ClientError::WrongConfirm { .. })), "{wrong:?}");
        }
    }

    #[test]
    fn a_batch_is_what_the_codec_reads() {
        for body_bytes in [8, 100, 70_000] {
            let options = PublishOptions { body_bytes, persistent: true, confirm_window: 0 };
            let mut batch = Batch::new("a queue", options, 128 * 1024);
            let count = batch.capacity().min(3);
            let mut rest = batch.numbered(1 << 40, count);
            for number in (1u64 << 40..).take(count as usize) {
                let message = Published::read(rest, 128 * 1024).unwrap();
                assert_eq!(message.method.routing_key, "a queue");
                assert_eq!(RawProperties::parse(message.properties).unwrap().delivery_mode, Some(2));
                assert_eq!(message.body.len(), body_bytes);
                assert_eq!(message.body[..8], number.to_be_bytes());
                rest = &rest[message.encoded_bytes..];
            }
            assert!(rest.is_empty());
        }
    }
}
