//! Adding, limiting and deleting vhosts, and the broker's global parameters.

use super::state::check_length;
use super::{Catalog, Fact, QueueKind, VhostLimits};
use crate::{QueueId, Refusal};
use std::sync::Arc;

impl Catalog {
    /// Adds a vhost with the predeclared exchanges, or describes one that is there anew. Nobody has permissions in
    /// a new one, and it may be deleted.
    ///
    /// # Errors
    /// [`crate::Cause::PreconditionFailed`] for a name that is empty or too long, [`crate::Cause::Internal`] if the log refuses.
    pub fn put_vhost(
        &mut self,
        name: &str,
        description: &str,
        tags: Vec<Arc<str>>,
        default_queue_kind: QueueKind,
    ) -> Result<(), Refusal> {
        check_length("vhost", name)?;
        self.commit(vec![Fact::VhostPut {
            name: name.into(),
            description: description.into(),
            tags,
            default_queue_kind,
        }])
    }

    /// Sets all limits of a vhost.
    ///
    /// # Errors
    /// [`crate::Cause::NotAllowed`] for an unknown vhost.
    pub fn set_vhost_limits(&mut self, name: &str, limits: VhostLimits) -> Result<(), Refusal> {
        let name = self.state.vhost(name)?.name.clone();
        self.commit(vec![Fact::VhostLimitsSet { name, limits }])
    }

    /// Protects a vhost from deletion, or takes that back, as RabbitMQ's vhosts have it since 4.1.
    ///
    /// # Errors
    /// [`crate::Cause::NotAllowed`] for an unknown vhost.
    pub fn set_vhost_protection(&mut self, name: &str, protected: bool) -> Result<(), Refusal> {
        let name = self.state.vhost(name)?.name.clone();
        self.commit(vec![Fact::VhostProtectionSet { name, protected }])
    }

    /// Deletes a vhost and everything in it. Answers the queues that are no more, for the shards to be told; the
    /// connections in it are the caller's to close.
    ///
    /// # Errors
    /// [`crate::Cause::NotAllowed`] for an unknown vhost, [`crate::Cause::PreconditionFailed`] with RabbitMQ's text
    /// for one that is protected.
    pub fn delete_vhost(&mut self, name: &str) -> Result<Vec<QueueId>, Refusal> {
        let vhost = self.state.vhost(name)?;
        if vhost.protected_from_deletion {
            return Err(Refusal::precondition(format!(
                "Refusing to delete virtual host '{name}' because it is protected from deletion"
            )));
        }
        let mut queues: Vec<_> = vhost.queues.values().map(|queue| queue.id).collect();
        queues.sort_unstable();
        let name = vhost.name.clone();
        self.commit(vec![Fact::VhostDeleted { name }])?;
        Ok(queues)
    }

    /// Keeps a global parameter, whose value means nothing to the catalog.
    ///
    /// # Errors
    /// [`crate::Cause::Internal`] if the log refuses.
    pub fn put_parameter(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        self.commit(vec![Fact::ParameterPut { name: name.into(), value: value.into() }])
    }

    /// Forgets a global parameter.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] if there is none of that name.
    pub fn clear_parameter(&mut self, name: &str) -> Result<(), Refusal> {
        if !self.state.parameters.contains_key(name) {
            return Err(Refusal::not_found(format!("no global parameter '{name}'")));
        }
        self.commit(vec![Fact::ParameterCleared { name: name.into() }])
    }
}
