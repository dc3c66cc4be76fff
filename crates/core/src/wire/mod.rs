//! The stored form of what surrounds a message's body: AMQP 0-9-1 field tables and the property list
//! of the basic class.
//!
//! A message is kept in the log in the form in which it will be sent, so the engine, and not only the
//! AMQP door, reads and rewrites these bytes. What owns what:
//!
//! * [`table`]: owned tables, for arguments and headers that are kept or built;
//! * [`raw_table`]: the same tables as slices of the bytes they came in, for the hot path;
//! * [`properties`]: the property list, owned;
//! * [`raw_properties`]: the property list as slices, and its rewriting;
//! * [`term`]: how RabbitMQ's texts show a value.
//!
//! Strings are bytes here. RabbitMQ checks neither the names in a table nor the texts in a property
//! list, and clients do put binary correlation ids there: whatever came in goes out unchanged. Nothing
//! in this module knows of frames, methods or channels.

mod error;
pub mod properties;
pub mod raw_properties;
pub mod raw_table;
mod reader;
mod short_str;
pub mod table;
mod term;

pub use error::WireError;
pub use properties::Properties;
pub use raw_properties::{HeaderEdit, RawProperties};
pub use raw_table::{RawArray, RawTable, RawValue, find_in_table};
pub use reader::Reader;
pub use short_str::ShortStr;
pub use table::{Table, Value};

#[cfg(test)]
mod tests {
    mod properties;
    mod tables;
    mod terms;
}
