//! Why bytes could not be read as a table or a property list.

use std::fmt;

/// One variant per thing that can be wrong with an encoded table or property list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The bytes end inside a value: it needs `needed` more bytes and `left` remain.
    Truncated {
        /// How many bytes the value takes.
        needed: usize,
        /// How many bytes were left to read.
        left: usize,
    },
    /// A field has a type tag that neither the specification nor RabbitMQ knows.
    UnknownFieldType(u8),
    /// Tables and arrays nest deeper than [`TABLE_DEPTH`](crate::limits::TABLE_DEPTH).
    TooDeep,
    /// A table has more bytes than [`TABLE_BYTES`](crate::limits::TABLE_BYTES).
    TableTooLarge {
        /// How many bytes the table has.
        bytes: usize,
    },
    /// A string has more bytes than the 255 that a short string can hold.
    ShortStrTooLong {
        /// How many bytes the string has.
        bytes: usize,
    },
    /// The property flags name a property that the basic class does not have.
    UnknownPropertyFlags(u16),
    /// Bytes follow the last value where none should.
    TrailingBytes {
        /// How many bytes follow.
        bytes: usize,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { needed, left } => {
                write!(f, "a value of {needed} bytes is cut short after {left}")
            }
            Self::UnknownFieldType(tag) => write!(f, "unknown field type 0x{tag:02x}"),
            Self::TooDeep => write!(f, "tables nest deeper than {} levels", crate::limits::TABLE_DEPTH),
            Self::TableTooLarge { bytes } => {
                write!(f, "a table of {bytes} bytes is larger than {}", crate::limits::TABLE_BYTES)
            }
            Self::ShortStrTooLong { bytes } => {
                write!(f, "a short string of {bytes} bytes is longer than 255")
            }
            Self::UnknownPropertyFlags(flags) => write!(f, "unknown property flags 0x{flags:04x}"),
            Self::TrailingBytes { bytes } => write!(f, "{bytes} bytes too many at the end"),
        }
    }
}

impl std::error::Error for WireError {}
