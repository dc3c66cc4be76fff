//! The memory that records are built in: blocks, used again once nobody reads them any more.
//!
//! Fresh memory costs a page fault every 4 KiB, which at full speed is more than the checksums cost.

use std::collections::VecDeque;

use bytes::BytesMut;

/// The size of a block. One serves thousands of small records.
const BLOCK_BYTES: usize = 1 << 20;
/// A block for one larger record is a multiple of this, so that it serves others of about the same size.
const LARGE_STEP_BYTES: usize = 256 << 10;
/// How many bytes of full blocks are watched, of the usual ones: enough for what readers are usually given (16 MiB) and for
/// what is being written. Beyond it, blocks are left to whoever still holds them.
const USUAL_BYTES: usize = 24 << 20;
/// The same for blocks of larger records.
const LARGE_BYTES: usize = 32 << 20;

pub(super) struct Blocks {
    usual: Watched,
    large: Watched,
    /// The size of the block in use; 0 before the first.
    size: usize,
}

/// Full blocks, oldest first, each as an empty handle through which the memory is had again.
struct Watched {
    blocks: VecDeque<(BytesMut, usize)>,
    /// What they take in all, and may take, in bytes.
    bytes: usize,
    most_bytes: usize,
}

impl Blocks {
    pub(super) fn new() -> Blocks {
        Blocks { usual: Watched::new(USUAL_BYTES), large: Watched::new(LARGE_BYTES), size: 0 }
    }

    /// Puts an empty block with room for `need` bytes in the place of `full`, from which all has been split off.
    pub(super) fn exchange(&mut self, full: &mut BytesMut, need: usize) {
        let spent = std::mem::take(full);
        if self.size > 0 {
            let size = self.size;
            self.those_of(size).watch(spent, size);
        }
        let size = if need <= BLOCK_BYTES { BLOCK_BYTES } else { need.next_multiple_of(LARGE_STEP_BYTES) };
        let again = self.those_of(size).reclaim(size);
        (*full, self.size) = again.unwrap_or_else(|| (BytesMut::with_capacity(size), size));
    }

    fn those_of(&mut self, size: usize) -> &mut Watched {
        if size > BLOCK_BYTES { &mut self.large } else { &mut self.usual }
    }
}

impl Watched {
    fn new(most_bytes: usize) -> Watched {
        Watched { blocks: VecDeque::new(), bytes: 0, most_bytes }
    }

    fn watch(&mut self, block: BytesMut, size: usize) {
        self.blocks.push_back((block, size));
        self.bytes += size;
        while self.bytes > self.most_bytes
            && let Some((_, oldest)) = self.blocks.pop_front()
        {
            self.bytes -= oldest;
        }
    }

    /// The oldest block that is as large as that and of which nobody holds a part any more.
    fn reclaim(&mut self, size: usize) -> Option<(BytesMut, usize)> {
        let fits =
            |(block, its_size): &mut (BytesMut, usize)| *its_size >= size && block.try_reclaim(*its_size);
        let index = self.blocks.iter_mut().position(fits)?;
        let (block, its_size) = self.blocks.remove(index)?;
        self.bytes -= its_size;
        Some((block, its_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_used_again_once_nobody_reads_it() {
        for need in [100, BLOCK_BYTES + 100, 16 * BLOCK_BYTES] {
            let mut blocks = Blocks::new();
            let mut open = BytesMut::new();
            blocks.exchange(&mut open, need);
            open.resize(100, 1);
            let first = open.as_ptr();
            let held = open.split().freeze();
            blocks.exchange(&mut open, need);
            assert_ne!(open.as_ptr(), first);
            drop(held);
            blocks.exchange(&mut open, need);
            assert_eq!(open.as_ptr(), first);
            assert!(open.is_empty() && open.capacity() >= need.max(BLOCK_BYTES));
        }
    }

    #[test]
    fn a_large_record_gets_a_large_block_and_leaves_it_to_the_next() {
        let mut blocks = Blocks::new();
        let mut open = BytesMut::new();
        blocks.exchange(&mut open, 3 * BLOCK_BYTES);
        let large = open.as_ptr();
        assert!(open.capacity() >= 3 * BLOCK_BYTES);
        blocks.exchange(&mut open, 100);
        assert!(open.capacity() < 2 * BLOCK_BYTES);
        blocks.exchange(&mut open, 4 * BLOCK_BYTES);
        assert_ne!(open.as_ptr(), large, "it is too small");
        blocks.exchange(&mut open, 2 * BLOCK_BYTES);
        assert_eq!(open.as_ptr(), large);
    }

    #[test]
    fn blocks_that_are_held_for_long_are_given_up() {
        let mut blocks = Blocks::new();
        let mut open = BytesMut::new();
        let mut held = Vec::new();
        for _ in 0..50 {
            for need in [100, 5 * BLOCK_BYTES] {
                blocks.exchange(&mut open, need);
                open.resize(100, 1);
                held.push(open.split().freeze());
            }
        }
        for (watched, most) in [(&blocks.usual, USUAL_BYTES), (&blocks.large, LARGE_BYTES)] {
            let bytes: usize = watched.blocks.iter().map(|(_, size)| size).sum();
            assert_eq!(watched.bytes, bytes);
            assert!(bytes <= most && bytes > most / 2);
        }
    }
}
