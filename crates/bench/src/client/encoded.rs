//! Messages in the form in which they are sent, made once and sent again and again.

use std::ops::RangeInclusive;

use leveret_amqp::codec::frame::FRAME_HEADER_BYTES;
use leveret_amqp::codec::method::basic;
use leveret_amqp::codec::write_content;
use leveret_core::wire::{RawProperties, RawTable, ShortStr, Table, Value};

use super::stamp::Stamp;
use super::{CHANNEL, PublishOptions, WRITE_BYTES};

/// How many bytes of messages are made, at least, so that a write rarely meets the end of the ring.
const RING_BYTES: usize = 4 * WRITE_BYTES;

/// How many messages of different sizes are made, at least, if all of them stay below [`SPREAD_BYTES`].
const SPREAD: usize = 256;
const SPREAD_BYTES: usize = 16 << 20;

/// The header by which a queue of Leveret knows a message's group.
const GROUP_HEADER: &str = "x-group-key";
/// Where a group's name stands until it is known: a name has eight hexadecimal digits.
const NO_GROUP: [u8; 8] = *b"<group!>";

/// A ring of messages. The one with number n of a publisher goes to its target n modulo their count. Only stamps and
/// groups change from one round to the next, so a message costs a few stores.
pub(super) struct Encoded {
    bytes: Vec<u8>,
    places: Vec<Place>,
    /// The message that is next, and where it begins.
    next: usize,
    next_start: usize,
    publisher: u16,
    targets: u64,
    groups: u64,
}

/// Where things are in [`Encoded::bytes`].
struct Place {
    body: usize,
    end: usize,
    /// The name of the group; 0 without groups.
    group: usize,
}

impl Encoded {
    pub(super) fn new(options: &PublishOptions<'_>, frame_max_bytes: u32) -> Self {
        let properties = properties(options);
        let targets = options.routing_keys.len();
        let (mut bytes, mut places) = (Vec::new(), Vec::<Place>::new());
        let spread = options.sizes.start() != options.sizes.end();
        while !places.len().is_multiple_of(targets)
            || bytes.len() < RING_BYTES
            || spread && places.len() < SPREAD && bytes.len() < SPREAD_BYTES
        {
            let index = places.len();
            let method = basic::Publish {
                ticket: 0,
                exchange: options.exchange,
                routing_key: &options.routing_keys[index % targets],
                mandatory: false,
                immediate: false,
            };
            let start = bytes.len();
            let write = |out: &mut Vec<u8>, body: &[u8]| {
                write_content(out, CHANNEL, frame_max_bytes, &method, &properties, body);
                out.len()
            };
            // Without a body, a message ends where its first body frame would begin.
            let body = write(&mut bytes, &[]) + FRAME_HEADER_BYTES;
            bytes.truncate(start);
            let end = write(&mut bytes, &vec![b'x'; body_bytes(&options.sizes, index as u64)]);
            let group = if options.groups > 0 { start + place_of_group(&bytes[start..body]) } else { 0 };
            places.push(Place { body, end, group });
        }
        Self {
            bytes,
            places,
            next: 0,
            next_start: 0,
            publisher: options.publisher,
            targets: targets as u64,
            groups: options.groups,
        }
    }

    /// Up to `most` messages, numbered from `first`, as one write takes; `intended` says when a message was to be
    /// sent. Returns how many there are, and their bytes.
    #[inline]
    pub(super) fn take(
        &mut self,
        first: u64,
        most: u64,
        mut intended: impl FnMut(u64) -> u64,
    ) -> (u64, &[u8]) {
        let start = self.next_start;
        let mut number = first;
        let mut end = start;
        for place in &self.places[self.next..] {
            if number - first == most || end - start >= WRITE_BYTES {
                break;
            }
            end = place.end;
            let stamp = Stamp { publisher: self.publisher, number, intended_ns: Some(intended(number)) };
            stamp.write(&mut self.bytes[place.body..end]);
            if place.group > 0 {
                let group = number / self.targets % self.groups;
                self.bytes[place.group..place.group + NO_GROUP.len()].copy_from_slice(&hex(group as u32));
            }
            number += 1;
        }
        let count = number - first;
        self.next += count as usize;
        self.next_start = end;
        if self.next == self.places.len() {
            (self.next, self.next_start) = (0, 0);
        }
        (count, &self.bytes[start..end])
    }
}

/// The size of a body: sizes are spread evenly over the range, in an order without a period that matters.
pub(crate) fn body_bytes(sizes: &RangeInclusive<usize>, index: u64) -> usize {
    let (least, most) = (*sizes.start(), *sizes.end());
    least + (index.wrapping_mul(0x9E37_79B1) % (most - least + 1) as u64) as usize
}

fn properties(options: &PublishOptions<'_>) -> Vec<u8> {
    let mut headers = Vec::new();
    if options.groups > 0 {
        let mut table = Table::new();
        table.insert(ShortStr::literal(GROUP_HEADER), Value::LongStr(NO_GROUP.to_vec()));
        table.encode_entries(&mut headers);
    }
    let headers = RawTable::parse(&headers).expect("a table of one entry is within every limit");
    let properties = RawProperties {
        delivery_mode: Some(if options.persistent { 2 } else { 1 }),
        headers: (!headers.is_empty()).then_some(headers),
        ..Default::default()
    };
    let mut list = Vec::new();
    properties.encode(&mut list).expect("a delivery mode and a header are within every limit");
    list
}

fn place_of_group(head: &[u8]) -> usize {
    let found = head.windows(NO_GROUP.len()).position(|window| window == NO_GROUP);
    found.expect("the properties were made with it")
}

fn hex(number: u32) -> [u8; 8] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(number >> (28 - 4 * digit)) as usize & 15])
}

#[cfg(test)]
mod tests {
    use leveret_amqp::codec::Published;

    use super::*;

    const FRAME_MAX: u32 = 128 * 1024;

    fn options<'a>(keys: &'a [String], sizes: (usize, usize), groups: u64) -> PublishOptions<'a> {
        PublishOptions {
            exchange: "",
            routing_keys: keys,
            sizes: sizes.0..=sizes.1,
            persistent: true,
            confirm_window: 0,
            publisher: 3,
            groups,
        }
    }

    fn keys(count: usize) -> Vec<String> {
        (0..count).map(|key| format!("queue-{key}")).collect()
    }

    #[test]
    fn messages_are_what_the_codec_reads_however_often_they_are_sent() {
        for body_bytes in [8, 100, 70_000] {
            let keys = keys(3);
            let mut encoded = Encoded::new(&options(&keys, (body_bytes, body_bytes), 2), FRAME_MAX);
            let mut expected = 0;
            while expected < 3 * encoded.places.len() as u64 {
                let (count, mut rest) = encoded.take(expected, 5, |number| 1000 + number);
                assert!((1..=5).contains(&count));
                for _ in 0..count {
                    let message = Published::read(rest, FRAME_MAX).unwrap();
                    assert_eq!(message.method.routing_key, keys[expected as usize % 3]);
                    let properties = RawProperties::parse(message.properties).unwrap();
                    assert_eq!(properties.delivery_mode, Some(2));
                    let group = properties.header(GROUP_HEADER).and_then(|value| value.as_str());
                    assert_eq!(group, Some(format!("{:08x}", expected / 3 % 2).as_str()));
                    assert_eq!(message.body.len(), body_bytes);
                    let stamp = Stamp::read(message.body).unwrap();
                    assert_eq!((stamp.publisher, stamp.number), (3, expected));
                    assert_eq!(stamp.intended_ns, (body_bytes > 8).then_some(1000 + expected));
                    rest = &rest[message.encoded_bytes..];
                    expected += 1;
                }
                assert!(rest.is_empty());
            }
        }
    }

    #[test]
    fn sizes_are_spread_over_their_range() {
        let keys = keys(1);
        let options = options(&keys, (10, 19), 0);
        let mut seen = [0; 10];
        (0..1000).for_each(|index| seen[body_bytes(&options.sizes, index) - 10] += 1);
        assert!(seen.iter().all(|&count| (80..120).contains(&count)), "{seen:?}");
    }

    #[test]
    fn a_write_is_bounded() {
        let keys = keys(1);
        let mut encoded = Encoded::new(&options(&keys, (1000, 1000), 0), FRAME_MAX);
        let (count, bytes) = encoded.take(0, u64::MAX, |_| 0);
        assert!(count > 50 && bytes.len() < WRITE_BYTES + 2000);
    }
}
