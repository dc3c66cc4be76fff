//! A binding: from an exchange to a queue or another exchange of the same vhost.

use crate::QueueId;
use crate::wire::Table;
use std::cmp::Ordering;
use std::sync::Arc;

/// A binding. Two bindings are the same if source, destination, routing key and arguments are.
#[derive(Debug)]
pub struct Binding {
    /// The exchange that messages come from.
    pub source: Arc<str>,
    /// Where they go.
    pub destination: Destination,
    /// The binding key, whose meaning is the exchange's.
    pub routing_key: Arc<str>,
    /// The arguments.
    pub arguments: Table,
    /// The arguments encoded in the order of their names, in which RabbitMQ compares them.
    ordered: Box<[u8]>,
}

/// The end of a binding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Destination {
    /// What it is.
    pub kind: DestinationKind,
    /// Its name.
    pub name: Arc<str>,
}

/// What a binding leads to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DestinationKind {
    /// A queue.
    Queue,
    /// An exchange.
    Exchange,
}

impl DestinationKind {
    /// The word in RabbitMQ's texts and definitions.
    pub fn name(self) -> &'static str {
        match self {
            DestinationKind::Queue => "queue",
            DestinationKind::Exchange => "exchange",
        }
    }
}

impl Binding {
    pub(in crate::catalog) fn new(
        source: Arc<str>,
        destination: Destination,
        routing_key: Arc<str>,
        arguments: Table,
    ) -> Binding {
        let mut entries: Vec<_> = arguments.iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
        let mut ordered = Vec::new();
        for (name, value) in entries {
            name.encode(&mut ordered);
            value.encode(&mut ordered);
        }
        Binding { source, destination, routing_key, arguments, ordered: ordered.into() }
    }

    fn identity(&self) -> (&str, &Destination, &str, &[u8]) {
        (&self.source, &self.destination, &self.routing_key, &self.ordered)
    }
}

impl PartialEq for Binding {
    fn eq(&self, other: &Binding) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Binding {}

impl PartialOrd for Binding {
    fn partial_cmp(&self, other: &Binding) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Binding {
    fn cmp(&self, other: &Binding) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

/// A destination as routing follows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::catalog) enum Target {
    Queue(QueueId),
    Exchange(Arc<str>),
}
