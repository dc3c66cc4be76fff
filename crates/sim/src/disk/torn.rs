//! What is left of a write that was cut short.

use super::{Content, Piece};
use crate::dice::Dice;
use leveret_log::Batch;

/// What a disk writes as a whole or not at all.
const SECTOR_BYTES: usize = 512;

/// Puts some of a batch on the disk: whole segments of it, since each is synced before the next is written, and then
/// a part of one: its first bytes, or any of its sectors.
pub(super) fn tear(content: &mut Content, batch: &Batch, dice: &mut Dice) {
    let runs = content.pieces(batch);
    let whole = dice.index(runs.len() + 1);
    for (segment, pieces) in &runs[..whole] {
        let bytes = content.segment(*segment);
        for (offset, piece) in pieces {
            bytes[*offset..offset + piece.len()].copy_from_slice(piece);
        }
    }
    let Some((segment, pieces)) = runs.get(whole) else { return };
    if !content.segments.contains_key(segment) && dice.one_in(3) {
        // Not even the file was there yet.
        return;
    }
    let bytes = content.segment(*segment);
    if dice.one_in(2) {
        let length: usize = pieces.iter().map(|(_, piece)| piece.len()).sum();
        keep_prefix(bytes, pieces, dice.index(length + 1));
    } else {
        keep_sectors(bytes, pieces, dice);
    }
}

/// The process was killed: the first bytes were written.
fn keep_prefix(bytes: &mut [u8], pieces: &[Piece], mut left: usize) {
    for (offset, piece) in pieces {
        let kept = piece.len().min(left);
        bytes[*offset..offset + kept].copy_from_slice(&piece[..kept]);
        left -= kept;
    }
}

/// The power went: the disk had written any of the sectors, in any order.
fn keep_sectors(bytes: &mut [u8], pieces: &[Piece], dice: &mut Dice) {
    let mut kept = (usize::MAX, false);
    for (offset, piece) in pieces {
        let mut at = *offset;
        let end = offset + piece.len();
        while at < end {
            let sector = at / SECTOR_BYTES;
            let stop = ((sector + 1) * SECTOR_BYTES).min(end);
            if kept.0 != sector {
                kept = (sector, dice.one_in(2));
            }
            if kept.1 {
                bytes[at..stop].copy_from_slice(&piece[at - offset..stop - offset]);
            }
            at = stop;
        }
    }
}
