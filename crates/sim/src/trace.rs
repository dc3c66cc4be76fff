//! What happened, as one number: two runs with the same trace did the same things in the same order.

/// The running hash of everything that was noted.
pub(crate) struct Trace {
    hash: u64,
    events: u64,
    print: bool,
}

impl Trace {
    /// An empty trace; with `print` it says everything on standard output, too.
    pub(crate) fn new(print: bool) -> Trace {
        Trace { hash: 0xcbf2_9ce4_8422_2325, events: 0, print }
    }

    /// Notes one event.
    pub(crate) fn note(&mut self, event: &str) {
        if self.print {
            println!("{:6} {event}", self.events);
        }
        self.events += 1;
        self.hash = (self.hash ^ hash(event.as_bytes())).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// The hash so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// A hash of bytes, eight at a time: fast, and the same everywhere.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64 ^ 0x9e37_79b9_7f4a_7c15;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        state ^= state >> 32;
    }
    state
}
