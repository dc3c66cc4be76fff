//! Exchanges, queues and bindings as clients ask for them, with the texts that RabbitMQ answers.

mod arguments;
mod binding;
mod equivalence;
mod exchange;
mod queue;

use crate::catalog::tests::{
    add_exchange, add_queue, add_user, assert_refused, bind, catalog, durable, elsewhere, exchange as wanted,
    exclusive, guest, number, quorum, routed, table, to_exchange, to_queue,
};
use crate::catalog::{
    Caller, Catalog, DeclareExchange, DeclareQueue, Destination, DestinationKind, QueueKind,
};
use crate::wire::{Table, Value};
use crate::{Cause, ConnectionId, ShardIndex};
