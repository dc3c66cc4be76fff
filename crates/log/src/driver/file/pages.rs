//! A segment's writes as whole pages at aligned addresses, which is what a write past the page cache must be.

use std::io;

use crate::append::Chunk;

/// The size and the alignment of what is written, in bytes: no device has larger blocks.
pub(super) const PAGE_BYTES: usize = 4096;
/// How much is gathered before it is written, in bytes.
const CAPACITY_BYTES: usize = 1 << 20;

/// Gathers what follows in a segment behind the part of its last page that is already written.
///
/// That part is written again with what follows in its page: the same bytes at the same place, as a page cache
/// writes them, too.
pub(super) struct Pages {
    /// The capacity and, in front of it, as many bytes as the alignment needs.
    memory: Vec<u8>,
    /// Where in the memory the aligned part begins.
    base: usize,
    /// Where in the segment the gathered bytes begin; a multiple of a page.
    offset: u64,
    /// How many bytes are gathered.
    gathered: usize,
}

impl Pages {
    pub(super) fn new() -> Pages {
        // Zeroed memory is the system's: what is never gathered takes none.
        let memory = vec![0; CAPACITY_BYTES + PAGE_BYTES];
        let base = memory.as_ptr().align_offset(PAGE_BYTES);
        Pages { memory, base, offset: 0, gathered: 0 }
    }

    /// Begins at the page of a segment that starts at `offset`, with what is, or is to be, at its start.
    pub(super) fn begin(&mut self, offset: u64, head: &[u8]) {
        debug_assert!(offset.is_multiple_of(PAGE_BYTES as u64) && head.len() <= PAGE_BYTES);
        self.offset = offset;
        self.gathered = 0;
        self.copy(head);
    }

    /// Where in the segment the next byte goes.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.gathered as u64
    }

    /// Gives `write` all that is gathered and the chunks behind it, in pieces of whole pages with their offsets. The
    /// last page is filled with zeros.
    pub(super) fn write(
        &mut self,
        chunks: &[Chunk],
        mut write: impl FnMut(&[u8], u64) -> io::Result<()>,
    ) -> io::Result<()> {
        for chunk in chunks {
            let mut rest = &chunk.bytes[..];
            while !rest.is_empty() {
                rest = self.copy(rest);
                if self.gathered == CAPACITY_BYTES {
                    self.pass_on(&mut write)?;
                }
            }
        }
        self.pass_on(&mut write)
    }

    /// Gathers as much as there is room for and answers the rest.
    fn copy<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (now, later) = bytes.split_at(bytes.len().min(CAPACITY_BYTES - self.gathered));
        let at = self.base + self.gathered;
        self.memory[at..at + now.len()].copy_from_slice(now);
        self.gathered += now.len();
        later
    }

    /// Writes the gathered bytes and keeps those of the last page that is not full.
    fn pass_on(&mut self, write: &mut impl FnMut(&[u8], u64) -> io::Result<()>) -> io::Result<()> {
        let begun = self.gathered % PAGE_BYTES;
        let whole = self.gathered - begun;
        let padded = self.gathered.next_multiple_of(PAGE_BYTES);
        self.memory[self.base + self.gathered..self.base + padded].fill(0);
        if padded > 0 {
            write(&self.memory[self.base..self.base + padded], self.offset)?;
        }
        self.memory.copy_within(self.base + whole..self.base + self.gathered, self.base);
        self.offset += whole as u64;
        self.gathered = begun;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::position::Position;

    /// What a file would hold that takes whole, aligned pages alone.
    #[derive(Default)]
    struct Paper {
        bytes: Vec<u8>,
        writes: usize,
    }

    impl Paper {
        fn take(&mut self, piece: &[u8], offset: u64) -> io::Result<()> {
            assert_eq!((piece.as_ptr() as usize % PAGE_BYTES, piece.len() % PAGE_BYTES), (0, 0));
            assert_eq!(offset % PAGE_BYTES as u64, 0);
            let end = offset as usize + piece.len();
            self.bytes.resize(self.bytes.len().max(end), 0xee);
            self.bytes[offset as usize..end].copy_from_slice(piece);
            self.writes += 1;
            Ok(())
        }
    }

    fn chunk(bytes: Vec<u8>) -> Chunk {
        Chunk { start: Position(0), bytes: Bytes::from(bytes) }
    }

    #[test]
    fn what_is_written_piece_by_piece_is_whole() {
        let sizes =
            [1, 63, 4096 - 64 - 64, 1, 4095, 4096, 4097, 100, CAPACITY_BYTES, 3 * CAPACITY_BYTES + 17];
        let mut pages = Pages::new();
        let mut paper = Paper::default();
        let mut expected = vec![9; 64];
        pages.begin(0, &[9; 64]);
        for (number, size) in sizes.into_iter().enumerate() {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 31 + number) as u8).collect();
            expected.extend_from_slice(&bytes);
            let (first, second) = bytes.split_at(size / 3);
            pages.write(&[chunk(first.to_vec()), chunk(second.to_vec())], |p, at| paper.take(p, at)).unwrap();
            assert_eq!(pages.end() as usize, expected.len());
            assert_eq!(paper.bytes[..expected.len()], expected);
            assert!(paper.bytes[expected.len()..].iter().all(|&byte| byte == 0));
        }
        assert!(paper.writes < sizes.len() + 8, "{} writes", paper.writes);
    }

    #[test]
    fn a_segment_goes_on_within_a_page() {
        let mut pages = Pages::new();
        let mut paper = Paper::default();
        pages.begin(8192, &[3; 100]);
        pages.write(&[chunk(vec![4; 10])], |p, at| paper.take(p, at)).unwrap();
        assert_eq!(paper.bytes[8192..8302], [vec![3; 100], vec![4; 10]].concat());
        pages.begin(0, &[]);
        assert_eq!(pages.end(), 0);
    }

    #[test]
    fn a_failure_is_passed_on() {
        let mut pages = Pages::new();
        let failed = pages.write(&[chunk(vec![1])], |_, _| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
