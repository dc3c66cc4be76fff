//! Where a message goes: from an exchange through its bindings to queues.
//!
//! A [`kind`] of exchange says which of its bindings a message follows. The walk from exchange to exchange is the
//! same for all.
//!
//! Routing reads an unchanging catalog and allocates nothing for a message that passes one exchange, once the
//! caller's buffer has grown.

pub mod filter;
mod hash;
mod kind;
mod message;
mod targets;
#[cfg(test)]
mod tests;

pub(super) use hash::hash;
pub(crate) use kind::Memory;
pub use kind::subscriptions;
pub(super) use kind::{Router, kind};
pub use message::RoutedMessage;
use targets::Found;

use super::state::{Exchange, Vhost, described};
use super::{Catalog, DestinationKind};
use crate::limits::{EXCHANGES_PER_MESSAGE, QUEUES_PER_MESSAGE};
use crate::{QueueId, Refusal};
use std::collections::BTreeSet;

/// What else is to know of a routed message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Routed {
    /// The same exchange and routing keys lead to the same queues until [`Catalog::version`] changes.
    pub cacheable: bool,
    /// An exchange on its way delays messages by their header `x-delay`, and so all its queues do. (RabbitMQ's plugin
    /// delays only what lies behind that exchange. To hold a copy back that need not wait is the lesser fault: to hand
    /// one out early defeats what it waits for.)
    pub delayed: bool,
    /// An exchange on its way remembers it.
    pub remembered: bool,
}

impl Catalog {
    /// Finds the queues of a message that a client publishes, each once, in the order of their ids: queues of one
    /// shard stand together. What was in `queues` is overwritten. No queue is no error.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] for an unknown exchange, [`crate::Cause::AccessRefused`] for an internal one,
    /// [`crate::Cause::PreconditionFailed`] for a message that would go to too many queues or exchanges.
    pub fn route(
        &self,
        vhost: &str,
        exchange: &str,
        message: &RoutedMessage<'_>,
        queues: &mut Vec<QueueId>,
    ) -> Result<Routed, Refusal> {
        self.route_from(vhost, exchange, message, queues, true)
    }

    /// As [`Catalog::route`], for a message that the broker passes on, such as a dead letter: internal exchanges
    /// are made for it.
    ///
    /// # Errors
    /// As those of [`Catalog::route`], but for internal exchanges.
    pub fn route_internally(
        &self,
        vhost: &str,
        exchange: &str,
        message: &RoutedMessage<'_>,
        queues: &mut Vec<QueueId>,
    ) -> Result<Routed, Refusal> {
        self.route_from(vhost, exchange, message, queues, false)
    }

    fn route_from(
        &self,
        vhost: &str,
        exchange: &str,
        message: &RoutedMessage<'_>,
        queues: &mut Vec<QueueId>,
        by_client: bool,
    ) -> Result<Routed, Refusal> {
        queues.clear();
        let vhost = self.state.vhost(vhost)?;
        let thing = || described(DestinationKind::Exchange.name(), exchange, &vhost.name);
        let Some(first) = vhost.exchanges.get(exchange) else {
            return Err(Refusal::not_found(format!("no {}", thing())));
        };
        if first.internal && by_client {
            return Err(Refusal::access(format!("cannot publish to internal {}", thing())));
        }
        walk(vhost, first, message, queues, |_| {})
            .map_err(|_| Refusal::precondition(format!("a message to {} would go too many ways", thing())))
    }

    /// The memories of the exchanges that a message passes.
    pub(crate) fn memories_on_way(
        &self,
        vhost: &str,
        exchange: &str,
        message: &RoutedMessage<'_>,
    ) -> Vec<Memory> {
        let mut memories = Vec::new();
        let Some(vhost) = self.vhost(vhost) else { return memories };
        let Some(first) = vhost.exchanges.get(exchange) else { return memories };
        let passes = |exchange: &Exchange| memories.extend(exchange.router.memory().cloned());
        // It has gone this way just now, and not too many.
        let _ = walk(vhost, first, message, &mut Vec::new(), passes);
        memories
    }

    /// The memory of an exchange, if it has one.
    pub(crate) fn memory_of(&self, vhost: &str, exchange: &str) -> Option<Memory> {
        self.exchange(vhost, exchange)?.router.memory().cloned()
    }
}

/// A message would reach more queues or pass more exchanges than one may.
struct TooManyWays;

/// Follows a message from `first` on, through each exchange once, and tells `passes` of each.
fn walk<'a>(
    vhost: &'a Vhost,
    first: &'a Exchange,
    message: &RoutedMessage<'_>,
    queues: &mut Vec<QueueId>,
    mut passes: impl FnMut(&'a Exchange),
) -> Result<Routed, TooManyWays> {
    // Neither allocates before an exchange leads to another.
    let mut ahead: Vec<&'a str> = Vec::new();
    let mut seen: BTreeSet<&'a str> = BTreeSet::new();
    let mut routed = Routed { cacheable: true, delayed: false, remembered: false };
    let mut current = first;
    let mut message = *message;
    loop {
        let before = queues.len() + ahead.len();
        visit(vhost, current, &message, &mut Found { queues, exchanges: &mut ahead });
        routed.cacheable &= !current.router.varies();
        routed.delayed |= current.delayed;
        routed.remembered |= current.router.memory().is_some();
        passes(current);
        if queues.len() + ahead.len() == before {
            ahead.extend(current.alternate.as_deref());
        }
        if queues.len() > QUEUES_PER_MESSAGE {
            keep_each_once(queues);
            if queues.len() > QUEUES_PER_MESSAGE {
                return Err(TooManyWays);
            }
        }
        if seen.is_empty() && !ahead.is_empty() {
            seen.insert(&first.name);
        }
        current = loop {
            let Some(name) = ahead.pop() else {
                keep_each_once(queues);
                return Ok(routed);
            };
            if let Some(next) = vhost.exchanges.get(name).filter(|_| seen.insert(name)) {
                break next;
            }
        };
        message = message.further();
        if seen.len() > EXCHANGES_PER_MESSAGE {
            return Err(TooManyWays);
        }
    }
}

/// Adds what one exchange gives. The default exchange leads to the queue of the routing key's name without a binding.
fn visit<'a>(vhost: &Vhost, exchange: &'a Exchange, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
    if exchange.name.is_empty() {
        let named = message.routing_keys.iter().filter_map(|key| vhost.queues.get(*key));
        found.queues.extend(named.map(|queue| queue.id));
    } else {
        exchange.router.find(message, found);
    }
}

fn keep_each_once(queues: &mut Vec<QueueId>) {
    if queues.len() > 1 {
        queues.sort_unstable();
        queues.dedup();
    }
}
