//! Declaring and deleting exchanges.

use super::binding::Cascade;
use super::{check_name, clean, equivalence};
use crate::Refusal;
use crate::catalog::state::{Exchange, described};
use crate::catalog::{Caller, Catalog, DestinationKind, Fact, route};
use crate::wire::Table;

const KIND: DestinationKind = DestinationKind::Exchange;
const ALTERNATE: &str = "alternate-exchange";

/// An exchange as it is to be.
#[derive(Clone, PartialEq, Debug)]
pub struct DeclareExchange<'a> {
    /// The name of its kind, such as `topic` or `x-consistent-hash`.
    pub kind: &'a str,
    /// Survives a restart.
    pub durable: bool,
    /// Deleted when the last binding from it is removed.
    pub auto_delete: bool,
    /// Not for clients to publish to.
    pub internal: bool,
    /// The arguments.
    pub arguments: Table,
}

impl Catalog {
    /// Makes sure that an exchange is there, as asked. Answers whether it was made.
    ///
    /// # Errors
    /// [`crate::Cause::AccessRefused`] without the permission to configure it, for the default exchange and for new
    /// names `amq.*`; [`crate::Cause::PreconditionFailed`] for an unknown kind, arguments that do not fit it, and
    /// an exchange that is there but different.
    pub fn declare_exchange(
        &mut self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        declare: DeclareExchange<'_>,
    ) -> Result<bool, Refusal> {
        let name = &*clean(name);
        let Some(kind) = route::kind(declare.kind) else {
            return Err(Refusal::precondition(format!("invalid exchange type '{}'", declare.kind)));
        };
        check_not_default(name)?;
        self.check_configure(caller, vhost, KIND, name)?;
        let found = self.state.vhost(vhost)?;
        if let Some(exchange) = found.exchanges.get(name) {
            equivalence::check_exchange(vhost, exchange, &declare)?;
            return Ok(false);
        }
        check_name(caller, KIND.name(), name)?;
        self.check_alternate(caller, vhost, name, &declare.arguments)?;
        kind.router(&declare.arguments)?;
        self.commit(vec![Fact::ExchangeDeclared {
            vhost: found.name.clone(),
            name: name.into(),
            kind: kind.name().into(),
            durable: declare.durable,
            auto_delete: declare.auto_delete,
            internal: declare.internal,
            arguments: declare.arguments,
        }])?;
        Ok(true)
    }

    /// The exchange, if it is there: a passive declaration.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] if it is not; [`crate::Cause::AccessRefused`] without any permission on it, and
    /// for the default exchange.
    pub fn declare_exchange_passively(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
    ) -> Result<&Exchange, Refusal> {
        let name = &*clean(name);
        check_not_default(name)?;
        self.check_any(caller, vhost, KIND, name)?;
        let found = self.state.vhost(vhost)?.exchanges.get(name);
        found.ok_or_else(|| Refusal::not_found(format!("no {}", described(KIND.name(), name, vhost))))
    }

    /// Deletes an exchange with all bindings from it and to it. Answers whether there was one: none is no error.
    ///
    /// # Errors
    /// [`crate::Cause::AccessRefused`] without the permission to configure it, and for predeclared ones;
    /// [`crate::Cause::PreconditionFailed`] if it has bindings and `if_unused`.
    pub fn delete_exchange(
        &mut self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        if_unused: bool,
    ) -> Result<bool, Refusal> {
        let name = &*clean(name);
        check_not_default(name)?;
        let thing = || described(KIND.name(), name, vhost);
        if name.starts_with("amq.") {
            return Err(Refusal::access(format!("deletion of system {} not allowed", thing())));
        }
        self.check_configure(caller, vhost, KIND, name)?;
        let found = self.state.vhost(vhost)?;
        let Some(exchange) = found.exchanges.get(name) else { return Ok(false) };
        if if_unused && !exchange.outgoing.is_empty() {
            return Err(Refusal::precondition(format!("{} in use", thing())));
        }
        let mut facts = vec![Fact::ExchangeDeleted { vhost: found.name.clone(), name: name.into() }];
        facts.extend(Cascade::without_exchange(found, exchange).facts());
        self.commit(facts)?;
        Ok(true)
    }

    fn check_alternate(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        name: &str,
        arguments: &Table,
    ) -> Result<(), Refusal> {
        let Some(value) = arguments.get(ALTERNATE) else { return Ok(()) };
        let Some(alternate) = value.as_str() else {
            return Err(equivalence::invalid_type(value, ALTERNATE, &described(KIND.name(), name, vhost)));
        };
        self.check_forwarding(caller, vhost, (KIND, name), alternate)
    }
}

/// The default exchange is there and as it is: it is neither declared nor deleted nor bound.
pub(super) fn check_not_default(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::access("operation not permitted on the default exchange"));
    }
    Ok(())
}
