//! The kinds of exchange. Each is one file here, or in [`one_way`] if it sends each message one way, and a line in
//! [`KINDS`]: it makes a [`Router`], which is given every binding of its exchange and says which of them a message
//! follows.

mod delayed;
mod direct;
mod fanout;
mod headers;
mod one_way;
mod recent_history;
pub mod subscriptions;
mod topic;

pub(crate) use recent_history::Memory;

use super::message::RoutedMessage;
use super::targets::Found;
use crate::Refusal;
use crate::catalog::state::{Binding, Target};
use crate::wire::Table;
use std::fmt;
use std::sync::Arc;

/// A kind of exchange.
pub(in crate::catalog) trait Kind: Sync {
    /// Its name in `exchange.declare`.
    fn name(&self) -> &'static str;

    /// A router for an exchange declared with these arguments.
    ///
    /// # Errors
    /// A refusal if the arguments do not fit the kind.
    fn router(&self, arguments: &Table) -> Result<Box<dyn Router>, Refusal>;

    /// Whether messages wait before they are in the queues.
    fn delays(&self) -> bool {
        false
    }
}

/// The bindings of one exchange, in the form in which its kind looks them up.
pub(in crate::catalog) trait Router: Send + Sync + fmt::Debug {
    /// Whether a binding can be added.
    ///
    /// # Errors
    /// A refusal if its key, arguments or destination do not fit the kind.
    fn check(&self, _binding: &Binding) -> Result<(), Refusal> {
        Ok(())
    }

    /// Adds a binding that is not there yet.
    fn add(&mut self, binding: &Arc<Binding>, target: Target);

    /// Removes a binding that is there.
    fn remove(&mut self, binding: &Arc<Binding>, target: &Target);

    /// Finds the targets of a message. The same one may be found more than once.
    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>);

    /// Whether messages of the same routing keys can go different ways.
    fn varies(&self) -> bool {
        false
    }

    /// Its memory, if it sends what was published of late to whatever is bound later.
    fn memory(&self) -> Option<&Memory> {
        None
    }
}

/// All kinds of exchange.
static KINDS: [&dyn Kind; 11] = [
    &direct::Direct,
    &fanout::Fanout,
    &topic::Topic,
    &headers::Headers,
    &one_way::ConsistentHash,
    &delayed::Delayed,
    &one_way::Random,
    &one_way::LocalRandom,
    &one_way::ModulusHash,
    &recent_history::RecentHistory,
    &subscriptions::Subscriptions,
];

/// The kind of that name.
pub(in crate::catalog) fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.into_iter().find(|kind| kind.name() == name)
}
