//! Receipt handles: the queue, the message, and which receive of it, in a form that nobody has to look into.
//!
//! 23 bytes in URL-safe base64: version, queue id, position, number of the receive, and four bytes by which a handle
//! that was cut or mistyped is recognised. Nothing of it depends on the running broker, so a handle outlives it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leveret_core::shard::Receipt;
use leveret_core::{Position, QueueId};
use md5::{Digest, Md5};

const VERSION: u8 = 1;
const CHECK_BYTES: usize = 4;

/// The handle of a receive.
pub(super) fn write(queue: QueueId, receipt: Receipt) -> String {
    let mut bytes = Vec::with_capacity(23);
    bytes.push(VERSION);
    bytes.extend_from_slice(&queue.0.to_be_bytes());
    bytes.extend_from_slice(&receipt.position.0.to_be_bytes());
    bytes.extend_from_slice(&receipt.receive.to_be_bytes());
    let check = check(&bytes);
    bytes.extend_from_slice(&check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The queue and the receive that a handle names; `None` if it is none.
pub(super) fn read(handle: &str) -> Option<(QueueId, Receipt)> {
    let bytes = URL_SAFE_NO_PAD.decode(handle).ok()?;
    let (named, found) = bytes.split_last_chunk::<CHECK_BYTES>()?;
    if check(named) != *found {
        return None;
    }
    let (version, rest) = named.split_first()?;
    let (queue, rest) = rest.split_first_chunk()?;
    let (position, rest) = rest.split_first_chunk()?;
    let receive = u16::from_be_bytes(rest.try_into().ok()?);
    let receipt = Receipt { position: Position(u64::from_be_bytes(*position)), receive };
    (*version == VERSION).then(|| (QueueId(u64::from_be_bytes(*queue)), receipt))
}

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Md5::digest(bytes);
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_what_it_was_made_of() {
        let receipt = Receipt { position: Position(4_096), receive: 3 };
        let queue = QueueId(7 << 48 | 9);
        let handle = write(queue, receipt);
        assert_eq!(read(&handle), Some((queue, receipt)));
        for end in 0..handle.len() {
            assert_eq!(read(&handle[..end]), None);
        }
        assert_eq!(read(&handle.to_ascii_uppercase()), None);
        assert_eq!(read("not a handle"), None);
    }
}
