//! A delivery, which is nearly all that a consumer is sent.

use super::content::{FIXED_BYTES, fixed_part, write_content};
use super::frame::{FRAME_END, FRAME_OVERHEAD_BYTES, FrameKind, frame_header};
use super::method::{Arguments, basic};

/// The bytes of a basic.deliver besides its names: class, method, the names' lengths, the tag, the flags.
const METHOD_BYTES: usize = 2 + 2 + 3 + 8 + 1;

/// Names that take no more bytes than this together are written at once: each of them is a short string then.
const NAMES_BYTES: usize = 255;

/// A basic.deliver with its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered<'a> {
    /// The channel it goes to.
    pub channel: u16,
    /// The method's arguments.
    pub method: basic::Deliver<'a>,
    /// The encoded property list. It is not checked: it was when it came in.
    pub properties: &'a [u8],
    /// The whole body.
    pub body: &'a [u8],
}

impl Delivered<'_> {
    /// Appends the frames that [`write_content`] appends, in fewer steps where the names are short and the body fits one
    /// frame. `frame_max_bytes` is the agreed size of a whole frame, 0 for no limit.
    #[inline]
    pub fn write(&self, frame_max_bytes: u32, out: &mut Vec<u8>) {
        let Self { channel, method, properties, body } = *self;
        let names_bytes = method.consumer_tag.len() + method.exchange.len() + method.routing_key.len();
        let body_frame_bytes = body.len() + FRAME_OVERHEAD_BYTES;
        let has_limit = frame_max_bytes != 0;
        if names_bytes > NAMES_BYTES || (has_limit && body_frame_bytes > frame_max_bytes as usize) {
            return self.write_any(frame_max_bytes, out);
        }
        let method_bytes = METHOD_BYTES + names_bytes;
        let header_bytes = FIXED_BYTES + properties.len();
        out.reserve(method_bytes + header_bytes + 2 * FRAME_OVERHEAD_BYTES + body_frame_bytes);
        write_method(out, channel, method_bytes, &method);
        let [h0, h1, h2, h3, h4, h5, h6] = frame_header(FrameKind::Header, channel, header_bytes);
        let [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11] = fixed_part(body.len());
        out.extend_from_slice(&[
            FRAME_END, h0, h1, h2, h3, h4, h5, h6, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11,
        ]);
        out.extend_from_slice(properties);
        if !body.is_empty() {
            let [h0, h1, h2, h3, h4, h5, h6] = frame_header(FrameKind::Body, channel, body.len());
            out.extend_from_slice(&[FRAME_END, h0, h1, h2, h3, h4, h5, h6]);
            out.extend_from_slice(body);
        }
        out.push(FRAME_END);
    }

    #[cold]
    fn write_any(&self, frame_max_bytes: u32, out: &mut Vec<u8>) {
        write_content(out, self.channel, frame_max_bytes, &self.method, self.properties, self.body);
    }
}

/// Appends the method's frame without its end. What stands between two names is appended in one piece: an octet for
/// itself would cost as much as all of them.
#[inline]
fn write_method(out: &mut Vec<u8>, channel: u16, method_bytes: usize, method: &basic::Deliver<'_>) {
    const IDS: [[u8; 2]; 2] = [basic::CLASS_ID.to_be_bytes(), basic::Deliver::METHOD_ID.to_be_bytes()];
    let [[c0, c1], [m0, m1]] = IDS;
    let basic::Deliver { consumer_tag, delivery_tag, redelivered, exchange, routing_key } = *method;
    let [tag_len, exchange_len, key_len] = [consumer_tag, exchange, routing_key].map(|name| name.len() as u8);
    let [h0, h1, h2, h3, h4, h5, h6] = frame_header(FrameKind::Method, channel, method_bytes);
    out.extend_from_slice(&[h0, h1, h2, h3, h4, h5, h6, c0, c1, m0, m1, tag_len]);
    out.extend_from_slice(consumer_tag.as_bytes());
    let [t0, t1, t2, t3, t4, t5, t6, t7] = delivery_tag.to_be_bytes();
    let flags = u8::from(redelivered);
    if exchange.is_empty() {
        out.extend_from_slice(&[t0, t1, t2, t3, t4, t5, t6, t7, flags, 0, key_len]);
    } else {
        out.extend_from_slice(&[t0, t1, t2, t3, t4, t5, t6, t7, flags, exchange_len]);
        out.extend_from_slice(exchange.as_bytes());
        out.push(key_len);
    }
    out.extend_from_slice(routing_key.as_bytes());
}
