//! How many connections and channels users and vhosts have, for their limits.

use leveret_amqp::connection::Usage;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts of all open connections. Names come from clients, so the maps are those that withstand bad ones.
#[derive(Debug, Default)]
pub struct Registry {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    users: HashMap<String, Count>,
    vhosts: HashMap<String, Count>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Count {
    connections: u32,
    channels: u32,
}

/// A connection as it was counted last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Counted {
    user: String,
    vhost: String,
    channels: u32,
}

impl Registry {
    /// What a user and a vhost use now.
    pub fn usage(&self, user: &str, vhost: &str) -> Usage {
        let counts = self.lock();
        let of_user = counts.users.get(user).copied().unwrap_or_default();
        let of_vhost = counts.vhosts.get(vhost).copied().unwrap_or_default();
        Usage {
            connections_of_vhost: of_vhost.connections,
            connections_of_user: of_user.connections,
            channels_of_user: of_user.channels,
        }
    }

    /// Counts a connection as it is now: its user, vhost and open channels, or that it is over. `counted` is what
    /// this left there the last time. Cheap as long as nothing has changed.
    pub(super) fn count(&self, counted: &mut Option<Counted>, now: Option<(&str, &str, u32)>) {
        match (&*counted, now) {
            (None, None) => return,
            (Some(before), Some((_, _, channels))) if before.channels == channels => return,
            _ => {}
        }
        let mut counts = self.lock();
        if let Some(before) = counted.take() {
            counts.remove(&before);
        }
        *counted = now.map(|(user, vhost, channels)| {
            let after = Counted { user: user.to_owned(), vhost: vhost.to_owned(), channels };
            counts.add(&after);
            after
        });
    }

    // The counts are right at every moment that the lock is free, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, one: &Counted) {
        for (map, name) in [(&mut self.users, &one.user), (&mut self.vhosts, &one.vhost)] {
            let count = map.entry(name.clone()).or_default();
            count.connections += 1;
            count.channels += one.channels;
        }
    }

    fn remove(&mut self, one: &Counted) {
        for (map, name) in [(&mut self.users, &one.user), (&mut self.vhosts, &one.vhost)] {
            let Some(count) = map.get_mut(name) else { continue };
            count.connections -= 1;
            count.channels -= one.channels;
            if count.connections == 0 {
                map.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_and_channels_are_counted_until_they_end() {
        let registry = Registry::default();
        let (mut first, mut second) = (None, None);
        registry.count(&mut first, Some(("ann", "/", 0)));
        registry.count(&mut second, Some(("ann", "other", 2)));
        registry.count(&mut first, Some(("ann", "/", 3)));
        let usage = |connections_of_vhost, connections_of_user, channels_of_user| Usage {
            connections_of_vhost,
            connections_of_user,
            channels_of_user,
        };
        assert_eq!(registry.usage("ann", "/"), usage(1, 2, 5));
        assert_eq!(registry.usage("bob", "other"), usage(1, 0, 0));
        registry.count(&mut first, None);
        registry.count(&mut first, None);
        assert_eq!(registry.usage("ann", "/"), usage(0, 1, 2));
        registry.count(&mut second, None);
        assert!(registry.lock().users.is_empty() && registry.lock().vhosts.is_empty());
    }
}
