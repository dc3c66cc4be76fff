//! Where messages go: each kind of exchange, and the walk from exchange to exchange.

mod consistent_hash;
mod headers;
mod one_way;
mod topic;
mod walk;

use crate::catalog::tests::{
    add_exchange, add_queue, assert_refused, bind, catalog, exchange, guest, number, routed, routed_with,
    table, to_exchange, to_queue,
};
use crate::catalog::{Catalog, DeclareExchange, NewBinding, Routed, RoutedMessage};
use crate::wire::{RawProperties, RawTable, Table, Value};
use crate::{Cause, QueueId};

/// The entries of a table, for a message's headers.
fn encoded(headers: &Table) -> Vec<u8> {
    let mut entries = Vec::new();
    headers.encode_entries(&mut entries);
    entries
}

/// A message that draws zero.
fn message<'a>(routing_keys: &'a [&'a str], properties: &'a RawProperties<'a>) -> RoutedMessage<'a> {
    RoutedMessage { routing_keys, properties, body: &[], draw: 0 }
}

/// Where a message with these headers goes.
fn routed_by_headers(catalog: &Catalog, exchange: &str, key: &str, headers: &Table) -> Vec<String> {
    let entries = encoded(headers);
    let headers = Some(RawTable::parse(&entries).unwrap());
    routed_with(catalog, exchange, &[key], &RawProperties { headers, ..RawProperties::default() })
}
