//! From the text of an option to its value, with what is wrong in words.

use super::declared::Draft;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// What an option takes, within which bounds, and where it goes.
pub(super) enum Takes {
    /// `true` or `false`; the flag alone is `true`.
    Switch {
        set: fn(&mut Draft, bool),
    },
    Path {
        set: fn(&mut Draft, PathBuf),
    },
    /// `HOST:PORT`, several separated by commas, or `off`.
    Addresses {
        set: fn(&mut Draft, Vec<SocketAddr>),
    },
    Number {
        unit: &'static str,
        min: u64,
        max: u64,
        set: fn(&mut Draft, u64),
    },
    /// A number of bytes, or of kB, MB, GB, TB, KiB, MiB, GiB, TiB.
    Bytes {
        min: u64,
        max: u64,
        set: fn(&mut Draft, u64),
    },
    /// Bytes, or a share of the machine's memory.
    Memory {
        set: fn(&mut Draft, MemoryLimit),
    },
    /// A text of a kind.
    Text {
        /// What it may be.
        what: &'static str,
        fits: fn(&str) -> bool,
        set: fn(&mut Draft, &str),
    },
    /// One of some words, by its index.
    Word {
        of: &'static [&'static str],
        set: fn(&mut Draft, usize),
    },
    /// Several of some words, each once, separated by commas, by their indices.
    Words {
        of: &'static [&'static str],
        set: fn(&mut Draft, &[usize]),
    },
}

/// How much memory the process may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryLimit {
    /// So many bytes.
    Bytes(u64),
    /// This share of the memory that the machine, or the container, has.
    Percent(u8),
}

/// The least memory that a limit may be: an idle broker must not be beyond it.
const MIN_MEMORY_BYTES: u64 = 64 << 20;

const UNITS: [(&str, u64); 9] = [
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("B", 1),
];

impl Takes {
    /// Reads a text and puts its value into the draft.
    ///
    /// # Errors
    /// What the option may be, or what is wrong with the text.
    pub(super) fn read(&self, text: &str, draft: &mut Draft) -> Result<(), String> {
        let bounds = || format!("it may be {}", self.bounds());
        match self {
            Takes::Switch { set } => set(draft, text.parse().map_err(|_| bounds())?),
            Takes::Path { set } if !text.is_empty() => set(draft, text.into()),
            Takes::Path { .. } => return Err(bounds()),
            Takes::Addresses { set } => set(draft, addresses(text)?),
            Takes::Number { min, max, set, .. } => {
                set(draft, text.parse().ok().filter(|n| (*min..=*max).contains(n)).ok_or_else(bounds)?);
            }
            Takes::Bytes { min, max, set } => {
                set(draft, bytes(text).filter(|n| (*min..=*max).contains(n)).ok_or_else(bounds)?);
            }
            Takes::Memory { set } => set(draft, memory(text).ok_or_else(bounds)?),
            Takes::Text { fits, set, .. } if fits(text) => set(draft, text),
            Takes::Text { .. } => return Err(bounds()),
            Takes::Word { of, set } => {
                set(draft, of.iter().position(|word| *word == text).ok_or_else(bounds)?);
            }
            Takes::Words { of, set } => set(draft, &words(text, of).ok_or_else(bounds)?),
        }
        Ok(())
    }

    /// What stands for the value in the help.
    pub(super) fn placeholder(&self) -> &'static str {
        match self {
            Takes::Switch { .. } => "BOOL",
            Takes::Path { .. } => "PATH",
            Takes::Addresses { .. } => "ADDR",
            Takes::Number { .. } => "N",
            Takes::Bytes { .. } | Takes::Memory { .. } => "BYTES",
            Takes::Text { .. } => "TEXT",
            Takes::Word { .. } => "WORD",
            Takes::Words { .. } => "WORDS",
        }
    }

    /// What the value may be, in words.
    pub(super) fn bounds(&self) -> String {
        match self {
            Takes::Switch { .. } => "true or false".into(),
            Takes::Path { .. } => "a path".into(),
            Takes::Addresses { .. } => "HOST:PORT, several separated by commas, or off".into(),
            Takes::Number { unit, min, max, .. } => format!("{min} to {max} {unit}"),
            Takes::Bytes { min, max, .. } => format!("{} to {}", in_units(*min), in_units(*max)),
            Takes::Memory { .. } => format!("1% to 100%, or at least {}", in_units(MIN_MEMORY_BYTES)),
            Takes::Text { what, .. } => (*what).into(),
            Takes::Word { of, .. } => alternatives(of),
            Takes::Words { of, .. } => format!("{}, several separated by commas", alternatives(of)),
        }
    }
}

/// A name is looked up once, at start, and stands for all its addresses.
fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    if text == "off" {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for one in text.split(',').map(str::trim) {
        let found = one.to_socket_addrs().map_err(|error| format!("'{one}' is no HOST:PORT ({error})"))?;
        all.extend(found);
    }
    Ok(all)
}

/// The indices of some words, in the order of the text.
fn words(text: &str, of: &[&str]) -> Option<Vec<usize>> {
    let mut chosen = Vec::new();
    for one in text.split(',').map(str::trim) {
        let at = of.iter().position(|word| *word == one)?;
        if chosen.contains(&at) {
            return None;
        }
        chosen.push(at);
    }
    Some(chosen)
}

/// The words of an option as a sentence has them.
fn alternatives(of: &[&str]) -> String {
    let (last, others) = of.split_last().expect("an option of words has some");
    format!("{} or {last}", others.join(", "))
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let scale = match unit {
        "" => 1,
        _ => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

fn memory(text: &str) -> Option<MemoryLimit> {
    match text.strip_suffix('%') {
        Some(share) => share.trim().parse().ok().filter(|p| (1..=100).contains(p)).map(MemoryLimit::Percent),
        None => bytes(text).filter(|bytes| *bytes >= MIN_MEMORY_BYTES).map(MemoryLimit::Bytes),
    }
}

/// A number of bytes as people write it.
fn in_units(bytes: u64) -> String {
    let whole = |(_, scale): &&(&str, u64)| {
        bytes.is_multiple_of(*scale) && bytes >= *scale && scale.is_power_of_two()
    };
    let (unit, scale) = UNITS.iter().filter(whole).max_by_key(|(_, scale)| scale).unwrap_or(&("B", 1));
    format!("{} {unit}", bytes / scale)
}
