//! The hot paths: what happens for every message, cut into pieces small enough that a change of one shows.

mod codec;
mod doors;
mod engine;
mod log;
mod routing;

/// Something that is done over and over.
pub(crate) struct HotPath {
    /// What it is called in the table and in the file. Neither may hold two of one name.
    pub(crate) name: &'static str,
    /// How often it is done for a measurement: a multiple of every batch that it works in.
    pub(crate) operations: u64,
    /// Makes ready, in the same way every time, then does it so often.
    pub(crate) walk: fn(u64),
}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static HotPath> {
    [codec::PATHS, routing::PATHS, log::PATHS, engine::PATHS, doors::PATHS].into_iter().flatten()
}

/// The one of that name.
pub(crate) fn named(name: &str) -> Option<&'static HotPath> {
    all().find(|path| path.name == name)
}
