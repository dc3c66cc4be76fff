//! Bodies that tell who they are: a message's id, then bytes that follow from it.

/// The body of a message.
pub(crate) struct Body;

impl Body {
    /// The shortest body, in bytes: the id.
    pub(crate) const MIN_BYTES: usize = 8;

    /// Writes the body of message `uid` with `length` bytes, which is at least [`Body::MIN_BYTES`].
    pub(crate) fn write(uid: u64, length: usize, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&uid.to_le_bytes());
        out.extend((Body::MIN_BYTES..length).map(|at| filler(uid, at)));
    }

    /// The id of the message with this body; `None` if a byte of it is wrong.
    pub(crate) fn check(body: &[u8]) -> Option<u64> {
        let uid = u64::from_le_bytes(*body.first_chunk()?);
        let rest = body.iter().enumerate().skip(Body::MIN_BYTES);
        rest.into_iter().all(|(at, byte)| *byte == filler(uid, at)).then_some(uid)
    }
}

fn filler(uid: u64, at: usize) -> u8 {
    (uid.wrapping_mul(31).wrapping_add(at as u64 * 7) >> 3) as u8
}
