//! Who may log in: passwords and certificates against the users of the catalog, with RabbitMQ's rule for `guest`.

mod access_key;
mod password;
#[cfg(test)]
mod tests;

pub use access_key::new_access_key;
pub use password::{hash_password, verify_password};

use crate::net::Registry;
use leveret_amqp::connection::{Authenticator, Credentials, LoginRefused, Peer, Usage};
use leveret_core::catalog::Catalog;
use std::sync::Arc;

/// The user that every new broker has, and its password there. Everybody knows it, so the user may only come from this
/// machine.
const GUEST: &str = "guest";

/// Verifies logins against the catalog's users, and counts connections for their limits.
#[derive(Debug)]
pub struct CatalogAuthenticator {
    registry: Arc<Registry>,
    guest_anywhere: bool,
}

impl CatalogAuthenticator {
    /// One that counts what `registry` knows. With `guest_anywhere` the user `guest` may come from other machines.
    pub fn new(registry: Arc<Registry>, guest_anywhere: bool) -> CatalogAuthenticator {
        CatalogAuthenticator { registry, guest_anywhere }
    }
}

impl Authenticator for CatalogAuthenticator {
    fn verify(
        &self,
        catalog: &Catalog,
        credentials: &Credentials<'_>,
        peer: &Peer,
    ) -> Result<Arc<str>, LoginRefused> {
        let refuse = |text: String| Err(LoginRefused(text));
        let (name, password) = match *credentials {
            Credentials::Password { user, password } => (user, Some(password)),
            Credentials::Certificate(name) => (name, None),
            // Off loopback every login needs credentials, whatever is said about `guest`.
            Credentials::Anonymous if !peer.loopback => {
                return refuse("nobody may be anonymous from another machine".into());
            }
            // RabbitMQ's `anonymous_login_user` and `anonymous_login_pass`: another password ends it.
            Credentials::Anonymous => (GUEST, Some(GUEST.as_bytes())),
        };
        let Some(user) = catalog.user(name) else {
            return refuse(format!("there is no user '{name}'"));
        };
        if let Some(password) = password {
            let Some(hash) = &user.password else {
                return refuse(format!("user '{name}' has no password"));
            };
            if !verify_password(hash, password) {
                return refuse(format!("the password for user '{name}' is wrong"));
            }
        }
        if name == GUEST && !peer.loopback && !self.guest_anywhere {
            return refuse(format!("user '{name}' can only connect from this machine"));
        }
        Ok(user.name.clone())
    }

    fn usage(&self, user: &str, vhost: &str) -> Usage {
        self.registry.usage(user, vhost)
    }
}
