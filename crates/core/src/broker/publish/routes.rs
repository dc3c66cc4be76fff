//! The routes that a session used last: where an exchange and a routing key led, by one version of the catalog.

use crate::QueueId;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// How much memory the routes of a session may take, in bytes: tens of thousands of routes with usual names. A client
/// with more of them routes anew, which costs it alone.
const ROUTES_BYTES: usize = 2 << 20;
/// Bytes of a route beside its names and its queues: the struct, its place, and what the allocations take.
const ROUTE_BYTES: usize = size_of::<Route>() + 64;

/// A session's routes. A change of the catalog forgets them all: permissions may have changed, too.
#[derive(Debug, Default)]
pub(in crate::broker) struct Routes {
    version: u64,
    known: Vec<Route>,
    /// What they take, in bytes, about.
    bytes: usize,
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
        let bytes = route.bytes();
        if self.bytes + bytes > ROUTES_BYTES {
            self.forget();
        }
        self.bytes += bytes;
        self.last = RoutePlace(self.known.len() as u32);
        self.places.insert(hash_of(&route.exchange, &route.routing_key), self.last);
        self.known.push(route);
    }

    fn forget(&mut self) {
        self.known.clear();
        self.places.clear();
        self.bytes = 0;
    }
}

impl Route {
    fn bytes(&self) -> usize {
        let names = self.exchange.len() + self.routing_key.len();
        ROUTE_BYTES + names + self.queues.capacity() * size_of::<QueueId>()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ShardIndex;

    fn route(key: usize, queues: usize) -> Route {
        Route {
            exchange: "".into(),
            routing_key: format!("tenant.{key}").into(),
            queues: vec![QueueId::new(ShardIndex(0), 1); queues],
            delayed: false,
        }
    }

    fn finds(routes: &mut Routes, version: u64, key: usize) -> bool {
        let key = format!("tenant.{key}");
        let found = routes.find(version, "", &key);
        found.is_some_and(|place| *routes.at(place).unwrap().routing_key == key)
    }

    #[test]
    fn ten_thousand_routes_are_known_until_the_catalog_changes() {
        let mut routes = Routes::default();
        assert!(!finds(&mut routes, 1, 0));
        (0..10_000).for_each(|key| routes.keep(route(key, 1)));
        assert!((0..10_000).rev().all(|key| finds(&mut routes, 1, key)));
        assert!(!finds(&mut routes, 1, 10_000));
        assert!(!finds(&mut routes, 2, 0));
    }

    #[test]
    fn routes_take_a_bounded_amount_of_memory() {
        let mut routes = Routes::default();
        for key in 0..40 {
            // An eighth of all that may be kept.
            routes.keep(route(key, ROUTES_BYTES / 8 / size_of::<QueueId>()));
            assert!(finds(&mut routes, 0, key));
            assert!(routes.known.len() < 8 && routes.bytes <= ROUTES_BYTES);
        }
    }
}
