//! Doing what was asked, to the catalog of a running broker or of a folder at rest.

use super::request::{KeyShown, NewKey, Reply, Request};
use crate::auth::new_access_key;
use leveret_core::catalog::Catalog;

/// Does what is asked. A reply that says so is good once the catalog's log is durable.
pub(super) fn perform(request: &Request, catalog: &mut Catalog, now_ms: u64) -> Reply {
    match request {
        Request::CreateAccessKey { user } => create_access_key(catalog, user, now_ms),
        Request::ListAccessKeys => Reply::AccessKeys(catalog.access_keys().map(KeyShown::from).collect()),
        Request::DeleteAccessKey { id } => match catalog.delete_access_key(id) {
            Ok(()) => Reply::Done,
            Err(refusal) => Reply::Refused(refusal.text),
        },
    }
}

fn create_access_key(catalog: &mut Catalog, user: &str, now_ms: u64) -> Reply {
    let (id, secret) = match new_access_key() {
        Ok(made) => made,
        Err(error) => return Reply::Refused(format!("no random bytes for an access key: {error}")),
    };
    match catalog.create_access_key(&id, &secret, user, now_ms) {
        Ok(()) => Reply::NewAccessKey(NewKey { id, secret, user: user.into(), created_at_ms: now_ms }),
        Err(refusal) => Reply::Refused(refusal.text),
    }
}
