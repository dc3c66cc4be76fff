//! The catalog as a whole.

mod serials;
