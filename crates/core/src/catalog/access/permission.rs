//! What users may do in a vhost, and with which topics: patterns over names.

use super::pattern::{Pattern, PatternError};
use super::user::User;
use crate::catalog::{Catalog, Fact};
use crate::{Cause, Refusal};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The permissions of a user in one vhost.
#[derive(Clone, PartialEq, Debug)]
pub struct Permission {
    /// Which exchanges and queues it may declare and delete.
    pub configure: Pattern,
    /// Which exchanges it may publish to, and which queues and exchanges it may bind.
    pub write: Pattern,
    /// Which queues it may consume, and which exchanges it may bind to.
    pub read: Pattern,
}

/// Permissions as they are set: the text of each pattern; an empty one permits nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PermissionPatterns<'a> {
    /// Names it may declare and delete.
    pub configure: &'a str,
    /// Names it may write to.
    pub write: &'a str,
    /// Names it may read from.
    pub read: &'a str,
}

/// Permissions on the topics of one topic exchange.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicPermission {
    /// Which routing keys may be published with, as set, with `{vhost}` and `{username}`.
    pub write: Arc<str>,
    /// Which binding keys may be bound with, likewise.
    pub read: Arc<str>,
    writable: Pattern,
    readable: Pattern,
}

/// Topic permissions as they are set: `{vhost}` and `{username}` stand for the vhost's and the user's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TopicPatterns<'a> {
    /// Routing keys that may be published with.
    pub write: &'a str,
    /// Binding keys that may be bound with.
    pub read: &'a str,
}

impl Permission {
    pub(in crate::catalog) fn new(configure: Arc<str>, write: Arc<str>, read: Arc<str>) -> Permission {
        Permission {
            configure: Pattern::permission(configure),
            write: Pattern::permission(write),
            read: Pattern::permission(read),
        }
    }
}

impl TopicPermission {
    pub(in crate::catalog) fn new(
        write: Arc<str>,
        read: Arc<str>,
        vhost: &str,
        user: &str,
    ) -> TopicPermission {
        let pattern = |source: &str| Pattern::permission(expand(source, vhost, user).into());
        TopicPermission { writable: pattern(&write), readable: pattern(&read), write, read }
    }

    /// Whether messages may be published with this routing key.
    pub fn may_write(&self, routing_key: &str) -> bool {
        self.writable.matches(routing_key)
    }

    /// Whether queues may be bound with this key.
    pub fn may_read(&self, routing_key: &str) -> bool {
        self.readable.matches(routing_key)
    }
}

impl Catalog {
    /// Gives a user permissions in a vhost, in the place of any it had there.
    ///
    /// # Errors
    /// [`Cause::NotFound`] for an unknown user, [`Cause::NotAllowed`] for an unknown vhost,
    /// [`Cause::PreconditionFailed`] for a pattern that cannot be used.
    pub fn put_permission(
        &mut self,
        user: &str,
        vhost: &str,
        patterns: PermissionPatterns<'_>,
    ) -> Result<(), Refusal> {
        let user = self.state.user(user)?.name.clone();
        let vhost = self.state.vhost(vhost)?.name.clone();
        for source in [patterns.configure, patterns.write, patterns.read] {
            Pattern::new(source).map_err(unusable)?;
        }
        self.commit(vec![Fact::PermissionPut {
            user,
            vhost,
            configure: patterns.configure.into(),
            write: patterns.write.into(),
            read: patterns.read.into(),
        }])
    }

    /// Takes a user's permissions in a vhost away: it may not enter it any more.
    ///
    /// # Errors
    /// [`Cause::NotFound`] if it has none.
    pub fn clear_permission(&mut self, user: &str, vhost: &str) -> Result<(), Refusal> {
        let found = self.state.user(user)?;
        let Some((vhost, _)) = found.permissions.get_key_value(vhost) else {
            return Err(Refusal::not_found(format!("user '{user}' has no permissions in vhost '{vhost}'")));
        };
        let fact = Fact::PermissionCleared { user: found.name.clone(), vhost: vhost.clone() };
        self.commit(vec![fact])
    }

    /// Restricts with which keys a user may write to and read from a topic exchange, in the place of any earlier
    /// restriction. The exchange need not be there yet.
    ///
    /// # Errors
    /// As those of [`Catalog::put_permission`].
    pub fn put_topic_permission(
        &mut self,
        user: &str,
        vhost: &str,
        exchange: &str,
        patterns: TopicPatterns<'_>,
    ) -> Result<(), Refusal> {
        let user = self.state.user(user)?.name.clone();
        let vhost = self.state.vhost(vhost)?.name.clone();
        for source in [patterns.write, patterns.read] {
            Pattern::new(&expand(source, &vhost, &user)).map_err(unusable)?;
        }
        self.commit(vec![Fact::TopicPermissionPut {
            user,
            vhost,
            exchange: exchange.into(),
            write: patterns.write.into(),
            read: patterns.read.into(),
        }])
    }

    /// Lifts a user's restrictions on one topic exchange of a vhost, or on all of them. None is no error.
    ///
    /// # Errors
    /// [`Cause::NotFound`] for an unknown user.
    pub fn clear_topic_permission(
        &mut self,
        user: &str,
        vhost: &str,
        exchange: Option<&str>,
    ) -> Result<(), Refusal> {
        let user = self.state.user(user)?;
        if !user.topic_permissions.contains_key(vhost) {
            return Ok(());
        }
        let fact = Fact::TopicPermissionCleared {
            user: user.name.clone(),
            vhost: vhost.into(),
            exchange: exchange.map(Into::into),
        };
        self.commit(vec![fact])
    }
}

impl User {
    pub(in crate::catalog) fn clear_topic_permission(&mut self, vhost: &str, exchange: Option<&str>) {
        let Some(exchange) = exchange else {
            self.topic_permissions.remove(vhost);
            return;
        };
        if let Some(of_vhost) = self.topic_permissions.get_mut(vhost) {
            of_vhost.remove(exchange);
            if of_vhost.is_empty() {
                self.topic_permissions.remove(vhost);
            }
        }
    }

    /// Its permissions on topic exchanges, by vhost and exchange.
    pub fn topic_permissions(&self) -> &BTreeMap<Arc<str>, BTreeMap<Arc<str>, TopicPermission>> {
        &self.topic_permissions
    }
}

fn unusable(error: PatternError) -> Refusal {
    Refusal::new(Cause::PreconditionFailed, error.to_string())
}

/// Puts the names in, so that no character of theirs is taken for syntax.
fn expand(source: &str, vhost: &str, user: &str) -> String {
    source.replace("{vhost}", &regex::escape(vhost)).replace("{username}", &regex::escape(user))
}
