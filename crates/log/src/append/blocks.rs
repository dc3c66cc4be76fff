//! The memory that records are built in: blocks, used again once nobody reads them any more.
//!
//! Fresh memory costs a page fault every 4 KiB, which at full speed is more than the checksums cost.

use std::collections::VecDeque;

use bytes::BytesMut;

/// The size of a block. One serves thousands of small records.
const BLOCK_BYTES: usize = 1 << 20;
/// How many full blocks are watched: enough for what readers are usually given (16 MiB) and for what is being
/// written. Beyond it, blocks are left to whoever still holds them.
const MAX_WATCHED: usize = 24;

pub(super) struct Blocks {
    /// Full blocks, oldest first, each as an empty handle through which the memory is had again.
    watched: VecDeque<BytesMut>,
    /// Whether the block in use is to be watched once it is full: not if it was made for one large record.
    watch: bool,
}

impl Blocks {
    pub(super) fn new() -> Blocks {
        Blocks { watched: VecDeque::new(), watch: false }
    }

    /// Puts an empty block with room for `need` bytes in the place of `full`, from which all has been split off.
    pub(super) fn exchange(&mut self, full: &mut BytesMut, need: usize) {
        let spent = std::mem::take(full);
        if self.watch {
            self.watched.push_back(spent);
        }
        self.watch = need <= BLOCK_BYTES;
        let again = if self.watch { self.reclaim() } else { None };
        *full = again.unwrap_or_else(|| BytesMut::with_capacity(need.max(BLOCK_BYTES)));
        if self.watched.len() > MAX_WATCHED {
            self.watched.pop_front();
        }
    }

    /// The oldest block, if nobody holds a part of it any more. Readers let go of blocks in about this order.
    fn reclaim(&mut self) -> Option<BytesMut> {
        let is_free = self.watched.front_mut()?.try_reclaim(BLOCK_BYTES);
        if is_free { self.watched.pop_front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_used_again_once_nobody_reads_it() {
        let mut blocks = Blocks::new();
        let mut open = BytesMut::new();
        blocks.exchange(&mut open, 100);
        open.resize(100, 1);
        let first = open.as_ptr();
        let held = open.split().freeze();
        blocks.exchange(&mut open, 100);
        assert_ne!(open.as_ptr(), first);
        drop(held);
        blocks.exchange(&mut open, 100);
        assert_eq!(open.as_ptr(), first);
        assert!(open.is_empty() && open.capacity() >= BLOCK_BYTES);
    }

    #[test]
    fn a_large_record_gets_a_block_of_its_own() {
        let mut blocks = Blocks::new();
        let mut open = BytesMut::new();
        blocks.exchange(&mut open, 3 * BLOCK_BYTES);
        assert!(open.capacity() >= 3 * BLOCK_BYTES);
        blocks.exchange(&mut open, 100);
        assert!(blocks.watched.is_empty());
        assert!(open.capacity() < 2 * BLOCK_BYTES);
    }

    #[test]
    fn blocks_that_are_held_for_long_are_given_up() {
        let mut blocks = Blocks::new();
        let mut open = BytesMut::new();
        let mut held = Vec::new();
        for _ in 0..2 * MAX_WATCHED {
            blocks.exchange(&mut open, 100);
            open.resize(100, 1);
            held.push(open.split().freeze());
        }
        assert!(blocks.watched.len() <= MAX_WATCHED);
    }
}
