//! The names of queues that were deleted a moment ago, for a door that does not give them to new queues at once.

use crate::Time;
use crate::limits::{RETIRED_NAME_MS, RETIRED_NAMES};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The names of a vhost's queues that were deleted in the last minute: [`RETIRED_NAMES`] of them at most, and beyond
/// that the oldest is forgotten. One whose minute is over is forgotten when another comes.
///
/// What it comes to does not depend on the order in which names are added, nor on how often, since a replay may add
/// again what a checkpoint has already.
#[derive(Debug, Default)]
pub(in crate::catalog) struct RetiredNames {
    /// Until when each is remembered.
    until: FxHashMap<Arc<str>, Time>,
    /// The same by time.
    order: BTreeSet<(Time, Arc<str>)>,
}

impl RetiredNames {
    /// Remembers a name that was given up at this time.
    pub(super) fn add(&mut self, name: Arc<str>, at: Time) {
        let until = at.plus_ms(RETIRED_NAME_MS);
        match self.until.insert(name.clone(), until) {
            Some(known) if known >= until => {
                self.until.insert(name, known);
                return;
            }
            Some(known) => {
                self.order.remove(&(known, name.clone()));
            }
            None => {}
        }
        self.order.insert((until, name));
        while let (Some((first, _)), Some((last, _))) = (self.order.first(), self.order.last()) {
            if first.plus_ms(RETIRED_NAME_MS) > *last && self.order.len() <= RETIRED_NAMES {
                break;
            }
            if let Some((_, oldest)) = self.order.pop_first() {
                self.until.remove(&oldest);
            }
        }
    }

    /// Whether a name was given up less than a minute ago.
    pub(in crate::catalog) fn contains(&self, name: &str, now: Time) -> bool {
        self.until.get(name).is_some_and(|until| *until > now)
    }

    /// All that are remembered, with the time at which they were given up, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Time)> {
        self.order.iter().map(|(until, name)| (name, Time(until.0.saturating_sub(RETIRED_NAME_MS))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &RetiredNames) -> Vec<(&str, u64)> {
        names.iter().map(|(name, at)| (&**name, at.0)).collect()
    }

    #[test]
    fn a_name_is_remembered_for_a_minute() {
        let mut retired = RetiredNames::default();
        retired.add("a".into(), Time(1_000));
        assert!(retired.contains("a", Time(1_000)) && !retired.contains("b", Time(1_000)));
        assert!(retired.contains("a", Time(60_999)) && !retired.contains("a", Time(61_000)));
        retired.add("b".into(), Time(61_000));
        assert_eq!(names(&retired), [("b", 61_000)], "the next one takes the place");
    }

    #[test]
    fn a_name_that_comes_again_is_remembered_from_then_on() {
        let mut retired = RetiredNames::default();
        for at in [1_000, 2_000, 50_000] {
            retired.add("a".into(), Time(at));
        }
        retired.add("b".into(), Time(62_500));
        assert_eq!(names(&retired), [("a", 50_000), ("b", 62_500)]);
        assert!(retired.contains("a", Time(109_999)));
    }

    #[test]
    fn names_may_be_added_again_and_late() {
        let added = [("a", 1_000), ("b", 30_000), ("a", 50_000), ("c", 62_000)];
        let mut retired = RetiredNames::default();
        for (name, at) in added.into_iter().chain(added) {
            retired.add(name.into(), Time(at));
        }
        assert_eq!(names(&retired), [("b", 30_000), ("a", 50_000), ("c", 62_000)]);
        retired.add("d".into(), Time(1_999));
        assert_eq!(retired.iter().count(), 3, "its minute is over");
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let mut retired = RetiredNames::default();
        for number in 0..=RETIRED_NAMES {
            retired.add(number.to_string().into(), Time(number as u64));
        }
        assert_eq!(retired.iter().count(), RETIRED_NAMES);
        let now = Time(RETIRED_NAMES as u64);
        assert!(!retired.contains("0", now) && retired.contains("1", now));
    }
}
