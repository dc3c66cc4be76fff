//! A message as routing sees it.

use super::hash::{hash, mix};
use crate::wire::RawProperties;

/// What of a message decides where it goes.
#[derive(Clone, Copy, Debug)]
pub struct RoutedMessage<'a> {
    /// Its routing key, and those of its headers `CC` and `BCC`.
    pub routing_keys: &'a [&'a str],
    /// Its properties.
    pub properties: &'a RawProperties<'a>,
    /// Its body, which filter policies may look at.
    pub body: &'a [u8],
    /// A number of its own, all of whose bits look random: exchanges that choose by chance choose by it. The same
    /// number makes the same choice, so that a run can be repeated.
    pub draw: u64,
}

impl<'a> RoutedMessage<'a> {
    /// The number that the `count`th message of a source draws, such as the messages of a connection.
    pub fn draw(source: u64, count: u64) -> u64 {
        hash(&[&source.to_be_bytes(), &count.to_be_bytes()])
    }

    /// The same message at the next exchange on its way, which chooses without regard to what the last one chose.
    pub(super) fn further(self) -> RoutedMessage<'a> {
        RoutedMessage { draw: mix(self.draw.wrapping_add(1)), ..self }
    }
}
