//! Policies: arguments for many queues and exchanges at once, by their names.
//!
//! One policy and one operator policy apply to a thing: of those that match, the one with the highest priority.
//! The operator's wins, or the lower of two limits; [`effective`] says how they go together with arguments.

mod attributes;
mod definition;
mod effective;
#[cfg(test)]
mod tests;

pub(super) use effective::{alternate_exchange, settings};

use super::access::Pattern;
use super::state::QueueKind;
use super::{Catalog, Fact};
use crate::wire::Table;
use crate::{QueueId, QueueSettings, Refusal};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A policy or operator policy.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// To which names it applies.
    pub pattern: Pattern,
    /// To what it applies.
    pub apply_to: ApplyTo,
    /// Of all that match, the one with the highest applies; of equals, the one whose name is first.
    pub priority: i64,
    /// What it sets: the arguments' names without `x-`.
    pub definition: Table,
}

/// To what a policy applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ApplyTo {
    /// Queues and exchanges.
    All,
    /// Exchanges.
    Exchanges,
    /// Queues of either type.
    Queues,
    /// Queues declared as classic.
    ClassicQueues,
    /// Queues declared as quorum.
    QuorumQueues,
    /// Streams, of which this broker has none: kept, and applied to nothing.
    Streams,
}

/// Whose policy it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyScope {
    /// The vhost's users'.
    User,
    /// The operator's, which guards the broker against what users set.
    Operator,
}

/// A policy as it is set.
#[derive(Clone, PartialEq, Debug)]
pub struct NewPolicy<'a> {
    /// Its name.
    pub name: &'a str,
    /// The pattern over names.
    pub pattern: &'a str,
    /// To what it applies.
    pub apply_to: ApplyTo,
    /// Its priority; 0 where nothing is said.
    pub priority: i64,
    /// What it sets: numbers as integers, texts as long strings.
    pub definition: Table,
}

/// The policy and the operator policy that apply to one thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matched<'a> {
    pub(super) policy: Option<&'a Policy>,
    pub(super) operator: Option<&'a Policy>,
}

/// The policies of a vhost, those that win first.
#[derive(Debug, Default)]
pub(super) struct Policies(Vec<Policy>);

impl ApplyTo {
    const EVERY: [ApplyTo; 6] = [
        ApplyTo::All,
        ApplyTo::Exchanges,
        ApplyTo::Queues,
        ApplyTo::ClassicQueues,
        ApplyTo::QuorumQueues,
        ApplyTo::Streams,
    ];

    /// The word in RabbitMQ's definitions.
    pub fn name(self) -> &'static str {
        match self {
            ApplyTo::All => "all",
            ApplyTo::Exchanges => "exchanges",
            ApplyTo::Queues => "queues",
            ApplyTo::ClassicQueues => "classic_queues",
            ApplyTo::QuorumQueues => "quorum_queues",
            ApplyTo::Streams => "streams",
        }
    }

    /// The value of that name.
    ///
    /// # Errors
    /// [`crate::Cause::PreconditionFailed`] with RabbitMQ's text for any other word.
    pub fn from_name(name: &str) -> Result<ApplyTo, Refusal> {
        ApplyTo::EVERY.into_iter().find(|apply_to| apply_to.name() == name).ok_or_else(|| {
            Refusal::precondition(format!(
                "apply-to '{name}' unrecognised; should be one of: 'queues', 'classic_queues',  \
                 'quorum_queues', 'streams', 'exchanges', or 'all'"
            ))
        })
    }

    fn includes(self, kind: QueueKind) -> bool {
        match self {
            ApplyTo::All | ApplyTo::Queues => true,
            ApplyTo::ClassicQueues => kind == QueueKind::Classic,
            ApplyTo::QuorumQueues => kind == QueueKind::Quorum,
            ApplyTo::Exchanges | ApplyTo::Streams => false,
        }
    }
}

impl Policy {
    /// A policy that was accepted when it was set.
    pub(super) fn new(
        name: Arc<str>,
        pattern: Arc<str>,
        apply_to: ApplyTo,
        priority: i64,
        definition: Table,
    ) -> Policy {
        Policy { name, pattern: Pattern::accepted(pattern), apply_to, priority, definition }
    }
}

impl Policies {
    pub(super) fn for_queue(&self, name: &str, kind: QueueKind) -> Option<&Policy> {
        self.0.iter().find(|policy| policy.apply_to.includes(kind) && policy.pattern.matches(name))
    }

    pub(super) fn for_exchange(&self, name: &str) -> Option<&Policy> {
        let applies = |policy: &Policy| matches!(policy.apply_to, ApplyTo::All | ApplyTo::Exchanges);
        self.0.iter().find(|policy| applies(policy) && policy.pattern.matches(name))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.0.iter()
    }

    pub(super) fn put(&mut self, policy: Policy) {
        self.0.push(policy);
        self.0.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.name.cmp(&b.name)));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|policy| &*policy.name != name);
    }
}

impl Catalog {
    /// Sets a policy, in the place of any of its name. Answers the queues whose settings changed by it, for the
    /// shards to be told.
    ///
    /// # Errors
    /// [`crate::Cause::NotAllowed`] for an unknown vhost; [`crate::Cause::PreconditionFailed`] for a pattern or a
    /// definition that cannot be used.
    pub fn put_policy(
        &mut self,
        vhost: &str,
        scope: PolicyScope,
        policy: NewPolicy<'_>,
    ) -> Result<Vec<QueueId>, Refusal> {
        let vhost = self.state.vhost(vhost)?.name.clone();
        Pattern::new(policy.pattern).map_err(|error| Refusal::precondition(error.to_string()))?;
        definition::check(&policy.definition, scope)?;
        self.change_policies(Fact::PolicyPut {
            vhost,
            scope,
            name: policy.name.into(),
            pattern: policy.pattern.into(),
            apply_to: policy.apply_to,
            priority: policy.priority,
            definition: policy.definition,
        })
    }

    /// Removes a policy. Answers the queues whose settings changed by it.
    ///
    /// # Errors
    /// [`crate::Cause::NotAllowed`] for an unknown vhost, [`crate::Cause::NotFound`] for an unknown policy.
    pub fn clear_policy(
        &mut self,
        vhost: &str,
        scope: PolicyScope,
        name: &str,
    ) -> Result<Vec<QueueId>, Refusal> {
        let found = self.state.vhost(vhost)?;
        let policies = match scope {
            PolicyScope::User => &found.policies,
            PolicyScope::Operator => &found.operator_policies,
        };
        let Some(policy) = policies.iter().find(|policy| &*policy.name == name) else {
            return Err(Refusal::not_found(format!("no policy '{name}' in vhost '{vhost}'")));
        };
        let fact = Fact::PolicyCleared { vhost: found.name.clone(), scope, name: policy.name.clone() };
        self.change_policies(fact)
    }

    fn change_policies(&mut self, fact: Fact) -> Result<Vec<QueueId>, Refusal> {
        let settings = |catalog: &Catalog| -> FxHashMap<QueueId, QueueSettings> {
            catalog.state.queues.values().map(|queue| (queue.id, queue.settings.clone())).collect()
        };
        let before = settings(self);
        self.commit(vec![fact])?;
        let changed = |id: &QueueId| {
            self.state.queues.get(id).is_some_and(|queue| before.get(id) != Some(&queue.settings))
        };
        let mut changed: Vec<_> = self.state.queues.keys().copied().filter(changed).collect();
        changed.sort_unstable();
        Ok(changed)
    }
}
