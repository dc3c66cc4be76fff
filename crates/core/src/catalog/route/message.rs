//! A message as routing sees it.

use crate::wire::RawProperties;

/// What of a message decides where it goes.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) struct RoutedMessage<'a> {
    /// Its routing key, and those of its headers `CC` and `BCC`.
    pub(super) routing_keys: &'a [&'a str],
    pub(super) properties: &'a RawProperties<'a>,
}
