//! Consuming as fast as it goes, with acks of any rhythm or none.

use std::io;
use std::time::Duration;

use leveret_amqp::codec::method::{Arguments, basic};
use leveret_amqp::codec::{ContentHeader, Frame, FrameKind, Method};
use leveret_core::wire::RawTable;

use super::connection::{Connection, SILENCE, method_of};
use super::{CHANNEL, ClientError, Stamp, WRITE_BYTES};

/// How long [`Consumer::wait`] waits, so that its caller can see whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(50);

/// How a consumer consumes.
#[derive(Clone, Copy, Debug)]
pub struct ConsumeOptions {
    /// How many deliveries of a queue may wait for their ack, 0 for no bound.
    pub prefetch: u16,
    /// When it acks.
    pub acking: Acking,
}

/// When a consumer acks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acking {
    /// It is a no-ack consumer: the broker forgets a message when it sends it.
    NoAck,
    /// It keeps what it gets.
    Never,
    /// One ack for so many deliveries: each its own at 1, one multiple ack for more.
    Every(u64),
}

/// What came with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What the publisher wrote.
    pub stamp: Stamp,
    /// From which of the consumer's queues it is.
    pub queue: usize,
    /// Whether the broker says that it may have been delivered before.
    pub redelivered: bool,
}

/// A connection that consumes queues.
pub struct Consumer {
    connection: Connection,
    deliveries: Deliveries,
    acks: Acks,
}

impl Consumer {
    pub(super) fn new(
        mut connection: Connection,
        queues: &[String],
        options: ConsumeOptions,
    ) -> Result<Self, ClientError> {
        let qos = basic::Qos { prefetch_size: 0, prefetch_count: options.prefetch, global: false };
        connection.call(CHANNEL, &qos, "basic.qos-ok", |answer| {
            matches!(answer, Method::Basic(basic::Method::QosOk(_))).then_some(())
        })?;
        let deliveries = Deliveries { one_queue: queues.len() == 1, ..Default::default() };
        let acks = Acks { acking: options.acking, acked: 0 };
        for (index, queue) in queues.iter().enumerate() {
            let consume = basic::Consume {
                ticket: 0,
                queue,
                consumer_tag: &index.to_string(),
                no_local: false,
                no_ack: options.acking == Acking::NoAck,
                exclusive: false,
                nowait: true,
                arguments: RawTable::default(),
            };
            consume.write_frame(CHANNEL, &mut connection.output);
        }
        connection.flush()?;
        connection.stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { connection, deliveries, acks })
    }

    /// Takes so many messages, shows each to `see`, and acks them; the last ack leaves before it returns.
    /// Deliveries that came along beyond the count are shown and acked, too.
    ///
    /// # Errors
    /// [`ClientError::Io`] of the kind `TimedOut` if the broker has nothing more for a minute.
    pub fn consume(&mut self, count: u64, mut see: impl FnMut(Delivery)) -> Result<(), ClientError> {
        const PATIENT: u32 = 60_000 / PATIENCE.as_millis() as u32;
        let end = self.deliveries.complete + count;
        let mut waits = 0;
        while self.deliveries.complete < end {
            if self.wait()? {
                self.handle(&mut see)?;
                waits = 0;
            } else if waits == PATIENT {
                return Err(ClientError::Io(io::ErrorKind::TimedOut.into()));
            } else {
                waits += 1;
            }
        }
        self.finish()
    }

    /// Sends the acks that are due and waits for something from the broker, not longer than 50 ms. Whether there
    /// is something to [`Self::handle`].
    pub fn wait(&mut self) -> Result<bool, ClientError> {
        self.connection.flush()?;
        match self.connection.input.fill(&mut self.connection.stream) {
            Ok(()) => Ok(true),
            Err(ClientError::Io(error))
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Shows every message that came in whole to `see`, and notes the acks that become due.
    #[inline]
    pub fn handle(&mut self, mut see: impl FnMut(Delivery)) -> Result<(), ClientError> {
        while let Some(frame) = self.connection.input.frame()? {
            let whole = self.deliveries.take(&frame)?;
            let bytes = frame.encoded_bytes();
            self.connection.input.advance(bytes);
            if let Some(delivery) = whole {
                see(delivery);
                self.acks.delivered(self.deliveries.delivery_tag, &mut self.connection.output);
                if self.connection.output.len() >= WRITE_BYTES {
                    self.connection.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Acks what is left of a run that did not come to its end.
    pub fn finish(&mut self) -> Result<(), ClientError> {
        self.acks.finish(self.deliveries.complete, &mut self.connection.output);
        self.connection.flush()
    }

    /// Ends the connection and waits until the broker has handled all acks.
    pub fn close(self) -> Result<(), ClientError> {
        // A broker that takes millions of deliveries back is silent for longer than a consumer waits for more.
        self.connection.stream.set_read_timeout(Some(SILENCE))?;
        self.connection.close()
    }
}

/// The message that is coming in, put together from its frames.
#[derive(Default)]
struct Deliveries {
    /// How many messages came in whole. Tags of a channel count up by one, so this is the last one's.
    complete: u64,
    /// The tag of the last message that began.
    delivery_tag: u64,
    /// All are from the first queue: their consumer tags need not be read.
    one_queue: bool,
    queue: usize,
    redelivered: bool,
    /// What the first frame of the body began with; `None` while that is still to come.
    stamp: Option<Stamp>,
    /// How many bytes of the body are still to come.
    missing_bytes: u64,
}

impl Deliveries {
    /// Takes the next frame, and tells of the message that it completes.
    #[inline]
    fn take(&mut self, frame: &Frame<'_>) -> Result<Option<Delivery>, ClientError> {
        match frame.kind {
            FrameKind::Header => {
                self.missing_bytes = ContentHeader::read(frame.payload)?.body_bytes;
                self.stamp = None;
                if self.missing_bytes == 0 {
                    return Err(ClientError::ShortBody { bytes: 0 });
                }
                Ok(None)
            }
            FrameKind::Body => self.take_body(frame.payload),
            FrameKind::Method | FrameKind::Heartbeat => {
                self.take_method(frame)?;
                Ok(None)
            }
        }
    }

    #[inline]
    fn take_method(&mut self, frame: &Frame<'_>) -> Result<(), ClientError> {
        match method_of(frame, "a delivery")? {
            None => Ok(()),
            Some(Method::Basic(basic::Method::Deliver(deliver))) => {
                self.delivery_tag = deliver.delivery_tag;
                self.redelivered = deliver.redelivered;
                if !self.one_queue {
                    let unknown = ClientError::Unexpected { wanted: "its own consumer tag", got: (60, 60) };
                    self.queue = deliver.consumer_tag.parse().map_err(|_| unknown)?;
                }
                Ok(())
            }
            Some(other) => Err(ClientError::Unexpected { wanted: "a delivery", got: other.id() }),
        }
    }

    #[inline]
    fn take_body(&mut self, piece: &[u8]) -> Result<Option<Delivery>, ClientError> {
        let stamp = match self.stamp {
            Some(stamp) => stamp,
            // A broker may cut a body anywhere; none cuts it within the stamp.
            None => Stamp::read(piece).ok_or(ClientError::ShortBody { bytes: piece.len() as u64 })?,
        };
        let beyond = ClientError::Unexpected { wanted: "a delivery", got: (0, 0) };
        self.missing_bytes = self.missing_bytes.checked_sub(piece.len() as u64).ok_or(beyond)?;
        if self.missing_bytes > 0 {
            self.stamp = Some(stamp);
            return Ok(None);
        }
        self.complete += 1;
        Ok(Some(Delivery { stamp, queue: self.queue, redelivered: self.redelivered }))
    }
}

/// When an ack is due. Tags of a channel count up by one.
struct Acks {
    acking: Acking,
    /// The last tag that was acked.
    acked: u64,
}

impl Acks {
    #[inline]
    fn delivered(&mut self, delivery_tag: u64, out: &mut Vec<u8>) {
        if let Acking::Every(count) = self.acking
            && delivery_tag - self.acked >= count
        {
            self.write(delivery_tag, count > 1, out);
        }
    }

    /// Acks what is left of a run that did not come to its end.
    fn finish(&mut self, delivery_tag: u64, out: &mut Vec<u8>) {
        if let Acking::Every(count) = self.acking
            && delivery_tag > self.acked
        {
            self.write(delivery_tag, count > 1, out);
        }
    }

    fn write(&mut self, delivery_tag: u64, multiple: bool, out: &mut Vec<u8>) {
        basic::Ack { delivery_tag, multiple }.write_frame(CHANNEL, out);
        self.acked = delivery_tag;
    }
}

#[cfg(test)]
mod tests {
    use leveret_amqp::codec::{parse_frame, write_content};

    use super::*;

    /// The frames of one delivery, with bodies cut to fit frames of that size.
    fn delivery(queue: &str, number: u64, body_bytes: usize, frame_max_bytes: u32) -> Vec<u8> {
        let deliver = basic::Deliver {
            consumer_tag: queue,
            delivery_tag: number + 1,
            redelivered: true,
            exchange: "",
            routing_key: "q",
        };
        let mut body = vec![b'x'; body_bytes];
        if body_bytes >= crate::client::MIN_BODY_BYTES {
            stamp(number).write(&mut body);
        }
        let mut out = Vec::new();
        write_content(&mut out, CHANNEL, frame_max_bytes, &deliver, &[0, 0], &body);
        out
    }

    fn stamp(number: u64) -> Stamp {
        Stamp { publisher: 5, number, intended_ns: Some(9) }
    }

    fn take_all(deliveries: &mut Deliveries, mut bytes: &[u8]) -> Result<Vec<Delivery>, ClientError> {
        let mut taken = Vec::new();
        while let Some(frame) = parse_frame(bytes, 0)? {
            taken.extend(deliveries.take(&frame)?);
            bytes = &bytes[frame.encoded_bytes()..];
        }
        Ok(taken)
    }

    #[test]
    fn a_message_is_whole_with_its_last_frame() {
        let mut deliveries = Deliveries::default();
        let bytes = [delivery("7", 0, 16, 4096), delivery("12", 1, 10_000, 4096)].concat();
        let taken = take_all(&mut deliveries, &bytes).unwrap();
        let seen = |queue, number| Delivery { stamp: stamp(number), queue, redelivered: true };
        assert_eq!(taken, [seen(7, 0), seen(12, 1)]);
        assert_eq!((deliveries.complete, deliveries.delivery_tag), (2, 2));
    }

    #[test]
    fn a_body_without_a_stamp_is_an_error() {
        let short = take_all(&mut Deliveries::default(), &delivery("0", 7, 5, 4096));
        assert!(matches!(short, Err(ClientError::ShortBody { bytes: 5 })));
    }

    #[test]
    fn acks_come_in_their_rhythm() {
        let tags = |acking| {
            let (mut acks, mut out) = (Acks { acking, acked: 0 }, Vec::new());
            (1..=5).for_each(|tag| acks.delivered(tag, &mut out));
            acks.finish(5, &mut out);
            let mut seen = Vec::new();
            let mut rest = &out[..];
            while let Some(frame) = parse_frame(rest, 0).unwrap() {
                if let Method::Basic(basic::Method::Ack(ack)) = Method::read(frame.payload).unwrap() {
                    seen.push((ack.delivery_tag, ack.multiple));
                }
                rest = &rest[frame.encoded_bytes()..];
            }
            seen
        };
        assert_eq!(tags(Acking::NoAck), []);
        assert_eq!(tags(Acking::Never), []);
        assert_eq!(tags(Acking::Every(1)), [(1, false), (2, false), (3, false), (4, false), (5, false)]);
        assert_eq!(tags(Acking::Every(2)), [(2, true), (4, true), (5, true)]);
    }
}
