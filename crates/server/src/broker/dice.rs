//! The system's randomness, drawn for many numbers at a time: a number of its own for each would be a system call for
//! each.

use std::cell::RefCell;

/// Bytes that are drawn at once. The system gives up to 256 whole.
const DRAWN_BYTES: usize = 256;

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; DRAWN_BYTES], used: DRAWN_BYTES }) };
}

/// What a thread has drawn.
struct Drawn {
    bytes: [u8; DRAWN_BYTES],
    /// How many of them were given out, from the front.
    used: usize,
}

/// A random number, as good as the system's: nobody can guess it from those before. `None` if the system has none.
pub(super) fn random() -> Option<u64> {
    DRAWN.with_borrow_mut(Drawn::next)
}

impl Drawn {
    fn next(&mut self) -> Option<u64> {
        if self.used == DRAWN_BYTES {
            getrandom::fill(&mut self.bytes).ok()?;
            self.used = 0;
        }
        let number = self.bytes[self.used..].first_chunk_mut()?;
        self.used += size_of::<u64>();
        // What was given out is not kept.
        Some(u64::from_ne_bytes(std::mem::take(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_number_comes_twice() {
        let mut seen = BTreeSet::new();
        // More than are drawn at once, on two threads.
        let draw = || (0..1_000).map(|_| random().unwrap()).collect::<Vec<u64>>();
        let other = std::thread::spawn(draw).join().unwrap();
        for number in draw().into_iter().chain(other) {
            assert!(seen.insert(number));
        }
    }
}
