//! The routes that a session used last: where an exchange and a routing key led, by one version of the catalog.

use crate::QueueId;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// Routes kept at most. A client with more routing keys routes anew, which costs it alone.
const ROUTES: usize = 1_024;

/// A session's routes. A change of the catalog forgets them all: permissions may have changed, too.
#[derive(Debug, Default)]
pub(in crate::broker) struct Routes {
    version: u64,
    known: Vec<Route>,
    /// Where a route is, by a hash of exchange and key; the strings are compared, so that a collision is a miss.
    places: FxHashMap<u64, RoutePlace>,
    last: RoutePlace,
}

/// Which of a session's routes. It holds until the session routes a message anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct RoutePlace(u32);

/// Where messages to an exchange with a routing key go.
#[derive(Debug)]
pub(in crate::broker) struct Route {
    pub(super) exchange: Box<str>,
    pub(super) routing_key: Box<str>,
    /// The queues, those of one shard side by side.
    pub(in crate::broker) queues: Vec<QueueId>,
    /// A delayed exchange is on the way: the header `x-delay` counts.
    pub(super) delayed: bool,
}

impl Routes {
    /// The route of a message, if it is known to this version of the catalog.
    pub(super) fn find(&mut self, version: u64, exchange: &str, routing_key: &str) -> Option<RoutePlace> {
        if self.version != version {
            self.version = version;
            self.forget();
        }
        // Most publishers use one route: their last one is compared before anything is hashed.
        let fits = |route: &Route| same(&route.routing_key, routing_key) && same(&route.exchange, exchange);
        if self.at(self.last).is_some_and(fits) {
            return Some(self.last);
        }
        let found = *self.places.get(&hash_of(exchange, routing_key))?;
        if !self.at(found).is_some_and(fits) {
            return None;
        }
        self.last = found;
        Some(found)
    }

    /// The route at a place.
    #[inline]
    pub(super) fn at(&self, place: RoutePlace) -> Option<&Route> {
        self.known.get(place.0 as usize)
    }

    /// Keeps a route.
    pub(super) fn keep(&mut self, route: Route) {
        if self.known.len() >= ROUTES {
            self.forget();
        }
        self.last = RoutePlace(self.known.len() as u32);
        self.places.insert(hash_of(&route.exchange, &route.routing_key), self.last);
        self.known.push(route);
    }

    fn forget(&mut self) {
        self.known.clear();
        self.places.clear();
    }
}

/// Equality that does not look where an empty string points: an empty `Box` points at no memory, and a comparison of
/// zero bytes with masked vector loads there costs the processor 60 ns.
fn same(known: &str, asked: &str) -> bool {
    known.len() == asked.len() && (known.is_empty() || known == asked)
}

fn hash_of(exchange: &str, routing_key: &str) -> u64 {
    let mut hasher = FxHasher::default();
    exchange.hash(&mut hasher);
    routing_key.hash(&mut hasher);
    hasher.finish()
}
