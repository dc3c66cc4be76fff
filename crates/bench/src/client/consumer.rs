//! Consuming as fast as it goes, with acks of any rhythm or none.

use leveret_amqp::codec::method::{Arguments, basic};
use leveret_amqp::codec::{ContentHeader, Frame, FrameKind, Method};
use leveret_core::wire::RawTable;

use super::connection::{Connection, method_of};
use super::{CHANNEL, ClientError, MIN_BODY_BYTES, WRITE_BYTES};

/// How a consumer consumes.
#[derive(Clone, Copy, Debug)]
pub struct ConsumeOptions {
    /// How many deliveries may wait for their ack, 0 for no bound.
    pub prefetch: u16,
    /// How many deliveries an ack is for: each its own at 1, one multiple ack for more, none at 0, when the
    /// consumer is a no-ack consumer.
    pub ack_every: u64,
}

/// What came with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The number that the publisher gave it.
    pub sequence: u64,
    /// Whether the broker says that it may have been delivered before.
    pub redelivered: bool,
}

/// A connection that consumes one queue.
pub struct Consumer {
    connection: Connection,
    deliveries: Deliveries,
    acks: Acks,
}

impl Consumer {
    pub(super) fn new(
        mut connection: Connection,
        queue: &str,
        options: ConsumeOptions,
    ) -> Result<Self, ClientError> {
        let qos = basic::Qos { prefetch_size: 0, prefetch_count: options.prefetch, global: false };
        connection.call(CHANNEL, &qos, "basic.qos-ok", |answer| {
            matches!(answer, Method::Basic(basic::Method::QosOk(_))).then_some(())
        })?;
        let consume = basic::Consume {
            ticket: 0,
            queue,
            consumer_tag: "bench",
            no_local: false,
            no_ack: options.ack_every == 0,
            exclusive: false,
            nowait: false,
            arguments: RawTable::default(),
        };
        connection.call(CHANNEL, &consume, "basic.consume-ok", |answer| {
            matches!(answer, Method::Basic(basic::Method::ConsumeOk(_))).then_some(())
        })?;
        let acks = Acks { every: options.ack_every, acked: 0 };
        Ok(Self { connection, deliveries: Deliveries::default(), acks })
    }

    /// Takes so many messages, shows each to `see`, and acks them; the last ack leaves before it returns.
    /// Deliveries beyond the count stay unhandled and unacked.
    pub fn consume(&mut self, count: u64, mut see: impl FnMut(Delivery)) -> Result<(), ClientError> {
        let end = self.deliveries.complete + count;
        while self.deliveries.complete < end {
            let Some(frame) = self.connection.input.frame()? else {
                self.connection.flush()?;
                self.connection.input.fill(&mut self.connection.stream)?;
                continue;
            };
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
        self.acks.finish(self.deliveries.delivery_tag, &mut self.connection.output);
        self.connection.flush()
    }

    /// Ends the connection and waits until the broker has handled all acks.
    pub fn close(self) -> Result<(), ClientError> {
        self.connection.close()
    }
}

/// The message that is coming in, put together from its frames.
#[derive(Default)]
struct Deliveries {
    /// How many messages came in whole.
    complete: u64,
    /// The tag of the last message that began.
    delivery_tag: u64,
    redelivered: bool,
    sequence: u64,
    /// Whether the first frame of the body is still to come.
    body_begins: bool,
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
                self.body_begins = true;
                if self.missing_bytes < MIN_BODY_BYTES as u64 {
                    return Err(ClientError::ShortBody { bytes: self.missing_bytes });
                }
                Ok(None)
            }
            FrameKind::Body => self.take_body(frame.payload),
            FrameKind::Method | FrameKind::Heartbeat => {
                match method_of(frame, "a delivery")? {
                    None => {}
                    Some(Method::Basic(basic::Method::Deliver(deliver))) => {
                        self.delivery_tag = deliver.delivery_tag;
                        self.redelivered = deliver.redelivered;
                    }
                    Some(other) => {
                        return Err(ClientError::Unexpected { wanted: "a delivery", got: other.id() });
                    }
                }
                Ok(None)
            }
        }
    }

    #[inline]
    fn take_body(&mut self, piece: &[u8]) -> Result<Option<Delivery>, ClientError> {
        if self.body_begins {
            // A broker may cut a body anywhere; none cuts it within the first eight bytes.
            let first = piece.first_chunk().ok_or(ClientError::ShortBody { bytes: piece.len() as u64 })?;
            self.sequence = u64::from_be_bytes(*first);
            self.body_begins = false;
        }
        let beyond = ClientError::Unexpected { wanted: "a delivery", got: (0, 0) };
        self.missing_bytes = self.missing_bytes.checked_sub(piece.len() as u64).ok_or(beyond)?;
        if self.missing_bytes > 0 {
            return Ok(None);
        }
        self.complete += 1;
        Ok(Some(Delivery { sequence: self.sequence, redelivered: self.redelivered }))
    }
}

/// When an ack is due. Tags of a channel count up by one.
struct Acks {
    every: u64,
    /// The last tag that was acked.
    acked: u64,
}

impl Acks {
    #[inline]
    fn delivered(&mut self, delivery_tag: u64, out: &mut Vec<u8>) {
        if self.every > 0 && delivery_tag - self.acked >= self.every {
            self.write(delivery_tag, out);
        }
    }

    /// Acks what is left of a run that did not come to its end.
    fn finish(&mut self, delivery_tag: u64, out: &mut Vec<u8>) {
        if self.every > 0 && delivery_tag > self.acked {
            self.write(delivery_tag, out);
        }
    }

    fn write(&mut self, delivery_tag: u64, out: &mut Vec<u8>) {
        basic::Ack { delivery_tag, multiple: self.every > 1 }.write_frame(CHANNEL, out);
        self.acked = delivery_tag;
    }
}

#[cfg(test)]
mod tests {
    use leveret_amqp::codec::{parse_frame, write_content};

    use super::*;

    /// The frames of one delivery, with bodies cut to fit frames of that size.
    fn delivery(delivery_tag: u64, sequence: u64, body_bytes: usize, frame_max_bytes: u32) -> Vec<u8> {
        let deliver = basic::Deliver {
            consumer_tag: "bench",
            delivery_tag,
            redelivered: true,
            exchange: "",
            routing_key: "q",
        };
        let mut body = sequence.to_be_bytes().to_vec();
        body.resize(body_bytes, b'x');
        let mut out = Vec::new();
        write_content(&mut out, CHANNEL, frame_max_bytes, &deliver, &[0, 0], &body);
        out
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
        let bytes = [delivery(1, 7, 8, 4096), delivery(2, 8, 10_000, 4096)].concat();
        let taken = take_all(&mut deliveries, &bytes).unwrap();
        let seen = |sequence| Delivery { sequence, redelivered: true };
        assert_eq!(taken, [seen(7), seen(8)]);
        assert_eq!((deliveries.complete, deliveries.delivery_tag), (2, 2));
    }

    #[test]
    fn a_body_without_a_number_is_an_error() {
        let short = take_all(&mut Deliveries::default(), &delivery(1, 7, 5, 4096));
        assert!(matches!(short, Err(ClientError::ShortBody { bytes: 5 })));
    }

    #[test]
    fn acks_come_in_their_rhythm() {
        let tags = |every: u64| {
            let (mut acks, mut out) = (Acks { every, acked: 0 }, Vec::new());
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
        assert_eq!(tags(0), []);
        assert_eq!(tags(1), [(1, false), (2, false), (3, false), (4, false), (5, false)]);
        assert_eq!(tags(2), [(2, true), (4, true), (5, true)]);
    }
}
