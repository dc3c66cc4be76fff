//! Attributes of queues and exchanges, as a door sets them.

use crate::catalog::state::{Attributes, described};
use crate::catalog::{Caller, Catalog, DestinationKind, Fact};
use crate::{QueueId, Refusal};

impl Catalog {
    /// Gives a queue other attributes, in the place of all that it had. Answers the queue: its shard has to be told.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] for an unknown queue, [`crate::Cause::AccessRefused`] without the permission to
    /// configure it, [`crate::Cause::ResourceLocked`] if it is another connection's.
    pub fn set_queue_attributes(
        &mut self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        attributes: Attributes,
    ) -> Result<QueueId, Refusal> {
        self.check_configure(caller, vhost, DestinationKind::Queue, name)?;
        let id = self.usable_queue(caller, vhost, name)?.id;
        self.commit(vec![Fact::QueueAttributesSet { id, attributes }])?;
        Ok(id)
    }

    /// Gives an exchange other attributes, in the place of all that it had.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] for an unknown exchange, [`crate::Cause::AccessRefused`] without the permission to
    /// configure it.
    pub fn set_exchange_attributes(
        &mut self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        attributes: Attributes,
    ) -> Result<(), Refusal> {
        self.check_configure(caller, vhost, DestinationKind::Exchange, name)?;
        let found = self.state.vhost(vhost)?;
        let Some(exchange) = found.exchanges.get(name) else {
            let thing = described(DestinationKind::Exchange.name(), name, vhost);
            return Err(Refusal::not_found(format!("no {thing}")));
        };
        let (vhost, name) = (found.name.clone(), exchange.name.clone());
        self.commit(vec![Fact::ExchangeAttributesSet { vhost, name, attributes }])
    }
}
