//! The checks that doors make before they act for a user, with RabbitMQ's texts.

use super::permission::Permission;
use crate::catalog::state::described;
use crate::catalog::{Caller, Catalog, Destination, DestinationKind};
use crate::{Cause, Refusal};

/// What a user wants to do to a queue or an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Configure,
    Write,
    Read,
}

impl Catalog {
    /// Whether the user may declare and delete the queue or exchange.
    ///
    /// # Errors
    /// [`Cause::AccessRefused`] if not.
    pub fn may_configure(
        &self,
        user: &str,
        vhost: &str,
        kind: DestinationKind,
        name: &str,
    ) -> Result<(), Refusal> {
        self.check(user, vhost, kind, name, Operation::Configure)
    }

    /// Whether the user may publish to the exchange, or bind the queue or exchange to another.
    ///
    /// # Errors
    /// [`Cause::AccessRefused`] if not.
    pub fn may_write(
        &self,
        user: &str,
        vhost: &str,
        kind: DestinationKind,
        name: &str,
    ) -> Result<(), Refusal> {
        self.check(user, vhost, kind, name, Operation::Write)
    }

    /// Whether the user may consume, get from and purge the queue, or bind to the exchange.
    ///
    /// # Errors
    /// [`Cause::AccessRefused`] if not.
    pub fn may_read(
        &self,
        user: &str,
        vhost: &str,
        kind: DestinationKind,
        name: &str,
    ) -> Result<(), Refusal> {
        self.check(user, vhost, kind, name, Operation::Read)
    }

    /// Whether the user may publish to the exchange with these routing keys: it may write to it, and, where it has
    /// topic permissions on a topic exchange, with each of the keys.
    ///
    /// # Errors
    /// [`Cause::AccessRefused`] if not.
    pub fn may_publish(
        &self,
        user: &str,
        vhost: &str,
        exchange: &str,
        routing_keys: &[&str],
    ) -> Result<(), Refusal> {
        self.may_write(user, vhost, DestinationKind::Exchange, exchange)?;
        routing_keys.iter().try_for_each(|key| self.check_topic(user, vhost, exchange, key, Operation::Write))
    }

    /// Whether the user may be in the vhost at all: it is there, and the user has permissions in it.
    ///
    /// # Errors
    /// [`Cause::NotAllowed`] if not.
    pub fn may_enter(&self, user: &str, vhost: &str) -> Result<(), Refusal> {
        self.state.vhost(vhost)?;
        match self.state.users.get(user) {
            Some(who) if who.permissions.contains_key(vhost) => Ok(()),
            _ => {
                let text = format!("access to vhost '{vhost}' refused for user '{user}'");
                Err(Refusal::new(Cause::NotAllowed, text))
            }
        }
    }

    /// Whether the user may enter the vhost with one more connection: it may be there, and neither the vhost nor the
    /// user has as many as its limit allows.
    ///
    /// # Errors
    /// [`Cause::NotAllowed`] if not.
    pub fn may_connect(
        &self,
        user: &str,
        vhost: &str,
        connections_of_vhost: u32,
        connections_of_user: u32,
    ) -> Result<(), Refusal> {
        self.may_enter(user, vhost)?;
        let not_allowed = |text: String| Err(Refusal::new(Cause::NotAllowed, text));
        let of_vhost = self.state.vhost(vhost)?.limits.max_connections;
        let of_user = self.state.users.get(user).and_then(|who| who.limits.max_connections);
        match (of_vhost, of_user) {
            (Some(limit), _) if connections_of_vhost >= limit => not_allowed(format!(
                "access to vhost '{vhost}' refused for user '{user}': connection limit ({limit}) is reached"
            )),
            (_, Some(limit)) if connections_of_user >= limit => not_allowed(format!(
                "connection refused for user '{user}': user connection limit ({limit}) is reached"
            )),
            _ => Ok(()),
        }
    }

    /// Whether the user may open one more channel.
    ///
    /// # Errors
    /// [`Cause::NotAllowed`] if it has as many as its limit allows.
    pub fn may_open_channel(&self, user: &str, channels_of_user: u32) -> Result<(), Refusal> {
        let limit = self.state.users.get(user).and_then(|user| user.limits.max_channels);
        match limit {
            Some(limit) if channels_of_user >= limit => Err(Refusal::new(
                Cause::NotAllowed,
                format!(
                    "number of channels opened for user '{user}' has reached the maximum allowed user limit of \
                     ({limit})"
                ),
            )),
            _ => Ok(()),
        }
    }

    pub(in crate::catalog) fn check_configure(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        kind: DestinationKind,
        name: &str,
    ) -> Result<(), Refusal> {
        caller.user.map_or(Ok(()), |user| self.may_configure(user, vhost, kind, name))
    }

    /// A passive declaration shows no more than that a thing is there: any permission on it is enough. The refusal
    /// is that of a declaration.
    pub(in crate::catalog) fn check_any(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        kind: DestinationKind,
        name: &str,
    ) -> Result<(), Refusal> {
        let Some(user) = caller.user else { return Ok(()) };
        let permitted = |operation| self.check(user, vhost, kind, name, operation).is_ok();
        if permitted(Operation::Read) || permitted(Operation::Write) {
            return Ok(());
        }
        self.check(user, vhost, kind, name, Operation::Configure)
    }

    /// Dead letters and unroutable messages go on in the name of whoever made the queue or exchange: it must be
    /// able to read what they come from and to write where they go.
    pub(in crate::catalog) fn check_forwarding(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        (kind, name): (DestinationKind, &str),
        to: &str,
    ) -> Result<(), Refusal> {
        let Some(user) = caller.user else { return Ok(()) };
        self.may_read(user, vhost, kind, name)?;
        self.may_write(user, vhost, DestinationKind::Exchange, to)
    }

    pub(in crate::catalog) fn check_binding(
        &self,
        caller: Caller<'_>,
        vhost: &str,
        source: &str,
        destination: &Destination,
        routing_key: &str,
    ) -> Result<(), Refusal> {
        let Some(user) = caller.user else { return Ok(()) };
        self.may_write(user, vhost, destination.kind, &destination.name)?;
        self.may_read(user, vhost, DestinationKind::Exchange, source)?;
        self.check_topic(user, vhost, source, routing_key, Operation::Read)
    }

    fn check(
        &self,
        user: &str,
        vhost: &str,
        kind: DestinationKind,
        name: &str,
        operation: Operation,
    ) -> Result<(), Refusal> {
        // The default exchange has no name of its own; permissions know it by this one.
        let name = if kind == DestinationKind::Exchange && name.is_empty() { "amq.default" } else { name };
        let permission = self.state.users.get(user).and_then(|user| user.permissions.get(vhost));
        if permission.is_some_and(|permission| operation.pattern(permission).matches(name)) {
            return Ok(());
        }
        let thing = described(kind.name(), name, vhost);
        Err(Refusal::access(format!("{} access to {thing} refused for user '{user}'", operation.name())))
    }

    fn check_topic(
        &self,
        user: &str,
        vhost: &str,
        exchange: &str,
        routing_key: &str,
        operation: Operation,
    ) -> Result<(), Refusal> {
        let of_vhost = self.state.users.get(user).and_then(|user| user.topic_permissions.get(vhost));
        let Some(permission) = of_vhost.and_then(|of_vhost| of_vhost.get(exchange)) else { return Ok(()) };
        let is_topic = self
            .state
            .vhosts
            .get(vhost)
            .and_then(|vhost| vhost.exchanges.get(exchange))
            .is_some_and(|exchange| exchange.kind == "topic");
        let permitted = match operation {
            Operation::Write => permission.may_write(routing_key),
            Operation::Read | Operation::Configure => permission.may_read(routing_key),
        };
        if !is_topic || permitted {
            return Ok(());
        }
        Err(Refusal::access(format!(
            "{} access to topic '{routing_key}' in exchange '{exchange}' in vhost '{vhost}' refused for user \
             '{user}'",
            operation.name()
        )))
    }
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Configure => "configure",
            Operation::Write => "write",
            Operation::Read => "read",
        }
    }

    fn pattern(self, permission: &Permission) -> &super::Pattern {
        match self {
            Operation::Configure => &permission.configure,
            Operation::Write => &permission.write,
            Operation::Read => &permission.read,
        }
    }
}
