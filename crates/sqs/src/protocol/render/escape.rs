//! Copying text with some of its bytes escaped. Most text has none: it is looked through a block at a time and copied
//! as it is.

/// Bytes that are tested together: compilers turn the test of a block into a few vector instructions.
const BLOCK: usize = 32;

/// Appends `text`. Where `is_special` holds for a byte, `escape` gets the rest of the text, appends what stands for its
/// beginning, and says how many bytes of it that was (at least one, and whole characters).
pub(super) fn push(
    body: &mut Vec<u8>,
    text: &str,
    is_special: impl Fn(u8) -> bool,
    escape: impl Fn(&mut Vec<u8>, &[u8]) -> usize,
) {
    let mut rest = text.as_bytes();
    while let Some(at) = first(rest, &is_special) {
        let (plain, special) = rest.split_at(at);
        body.extend_from_slice(plain);
        let taken = escape(body, special);
        rest = &special[taken..];
    }
    body.extend_from_slice(rest);
}

fn first(bytes: &[u8], is_special: &impl Fn(u8) -> bool) -> Option<usize> {
    // No early exit from a block, so that its bytes need no order.
    let any = |block: &&[u8]| block.iter().fold(false, |any, byte| any | is_special(*byte));
    let plain = bytes.chunks(BLOCK).take_while(|block| !any(block)).count() * BLOCK;
    let rest = bytes.get(plain..)?;
    rest.iter().position(|byte| is_special(*byte)).map(|at| plain + at)
}
