//! Hashes that choose by a key: where a message goes, and the shard of a queue.

/// A hash that is the same on every machine and in every version: FNV-1a over the parts, a zero between them, and
/// then mixed, since FNV's bits differ in quality.
pub(in crate::catalog) fn hash(parts: &[&[u8]]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let byte = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    let part = |hash: u64, part: &&[u8]| byte(part.iter().fold(hash, byte), &0);
    mix(parts.iter().fold(OFFSET, part))
}

/// Spreads every bit over all others (the finish of MurmurHash3).
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}
