//! A queue as the catalog knows it: its name and how it behaves, never what it holds.

use super::Attributes;
use crate::wire::Table;
use crate::{ConnectionId, QueueId, QueueSettings};
use std::sync::Arc;

/// A queue. It never changes: a new policy makes a new record of the same id.
#[derive(Clone, PartialEq, Debug)]
pub struct Queue {
    /// The queue for all its life, and the shard that holds it.
    pub id: QueueId,
    /// The vhost it is in.
    pub vhost: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The type it was declared as.
    pub kind: QueueKind,
    /// Survives a restart. Exclusive queues never do.
    pub durable: bool,
    /// Deleted when its last consumer goes.
    pub auto_delete: bool,
    /// The connection it belongs to, alone.
    pub exclusive_owner: Option<ConnectionId>,
    /// The arguments it was declared with.
    pub arguments: Table,
    /// What may change of it, and its tags.
    pub attributes: Attributes,
    /// How it behaves: its arguments, attributes, policy and operator policy taken together.
    pub settings: QueueSettings,
    /// The policy that applies to it.
    pub policy: Option<Arc<str>>,
    /// The operator policy that applies to it.
    pub operator_policy: Option<Arc<str>>,
}

/// The type a queue was declared as. Both are the same durable queue; they differ in defaults and rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueKind {
    /// `x-queue-type: classic`, and where nothing else is said.
    Classic,
    /// `x-queue-type: quorum`.
    Quorum,
}

impl QueueKind {
    /// The word in `x-queue-type`.
    pub fn name(self) -> &'static str {
        match self {
            QueueKind::Classic => "classic",
            QueueKind::Quorum => "quorum",
        }
    }

    /// The word that RabbitMQ's refusals have for it.
    pub(in crate::catalog) fn module(self) -> &'static str {
        match self {
            QueueKind::Classic => "rabbit_classic_queue",
            QueueKind::Quorum => "rabbit_quorum_queue",
        }
    }
}
