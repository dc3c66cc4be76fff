//! Exchanges and bindings, as a client asks for them.

use crate::Refusal;
use crate::broker::{Access, History, Session, Waits, publish};
use crate::catalog::{self, DestinationKind, NewBinding};
use crate::wire::Table;

/// What a client asks for with `exchange.declare`.
#[derive(Clone, Copy, Debug)]
pub struct DeclareExchange<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its kind, such as `topic`.
    pub kind: &'a str,
    /// Only ask whether it is there.
    pub passive: bool,
    /// Survives a restart.
    pub durable: bool,
    /// Deleted when the last binding from it is removed.
    pub auto_delete: bool,
    /// Not for clients to publish to.
    pub internal: bool,
    /// The arguments.
    pub arguments: &'a Table,
}

/// What a client asks for with `queue.bind`, `exchange.bind` and their opposites.
#[derive(Clone, Copy, Debug)]
pub struct Bind<'a> {
    /// The exchange that messages come from.
    pub source: &'a str,
    /// The name of where they go.
    pub destination: &'a str,
    /// They go to an exchange rather than to a queue.
    pub to_exchange: bool,
    /// The binding key.
    pub routing_key: &'a str,
    /// The arguments.
    pub arguments: &'a Table,
}

impl Session {
    /// Makes sure that an exchange is there, or asks whether it is. Answers what the reply waits for.
    ///
    /// # Errors
    /// As [`catalog::Catalog::declare_exchange`] and [`catalog::Catalog::declare_exchange_passively`].
    pub fn declare_exchange<A: Access>(
        &mut self,
        access: &mut A,
        declare: &DeclareExchange<'_>,
    ) -> Result<Waits, Refusal> {
        if declare.passive {
            access.catalog().declare_exchange_passively(self.caller(), &self.vhost, declare.name)?;
            return Ok(Waits::None);
        }
        let wanted = catalog::DeclareExchange {
            kind: declare.kind,
            durable: declare.durable,
            auto_delete: declare.auto_delete,
            internal: declare.internal,
            arguments: declare.arguments.clone(),
        };
        let (declared, wait) = access
            .change(|catalog| catalog.declare_exchange(self.caller(), &self.vhost, declare.name, wanted));
        // One that was there may have been declared a moment ago, and not be durable yet: wait for it as well.
        declared.map(|_created| Waits::One(wait))
    }

    /// Deletes an exchange; one that is not there is no error. Answers what the reply waits for.
    ///
    /// # Errors
    /// As [`catalog::Catalog::delete_exchange`].
    pub fn delete_exchange<A: Access>(
        &mut self,
        access: &mut A,
        name: &str,
        if_unused: bool,
    ) -> Result<Waits, Refusal> {
        let (deleted, wait) =
            access.change(|catalog| catalog.delete_exchange(self.caller(), &self.vhost, name, if_unused));
        deleted?;
        access.history(History::tidy);
        Ok(Waits::One(wait))
    }

    /// Makes sure that a binding is there; by a new one goes what its source remembers. Answers what the reply waits for.
    ///
    /// # Errors
    /// As [`catalog::Catalog::bind`].
    pub fn bind<A: Access>(&mut self, access: &mut A, bind: &Bind<'_>) -> Result<Waits, Refusal> {
        let (bound, wait) =
            access.change(|catalog| catalog.bind(self.caller(), &self.vhost, bind.to_catalog()));
        let mut waits = Waits::One(wait);
        if bound? {
            publish::recall(access, &self.vhost, bind, &mut waits);
        }
        Ok(waits)
    }

    /// Removes a binding; one that is not there is no error. Answers what the reply waits for.
    ///
    /// # Errors
    /// As [`catalog::Catalog::unbind`].
    pub fn unbind<A: Access>(&mut self, access: &mut A, bind: &Bind<'_>) -> Result<Waits, Refusal> {
        let (unbound, wait) =
            access.change(|catalog| catalog.unbind(self.caller(), &self.vhost, bind.to_catalog()));
        unbound.map(|_was_there| Waits::One(wait))
    }
}

impl<'a> Bind<'a> {
    fn to_catalog(self) -> NewBinding<'a> {
        NewBinding {
            source: self.source,
            kind: if self.to_exchange { DestinationKind::Exchange } else { DestinationKind::Queue },
            destination: self.destination,
            routing_key: self.routing_key,
            arguments: self.arguments.clone(),
        }
    }
}
