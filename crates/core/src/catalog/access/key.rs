//! Access keys: with what users of the AWS doors sign their requests.
//!
//! A signature is an HMAC under the secret, so whoever verifies it needs the secret itself: **secrets are kept in
//! clear**, in memory, in the catalog's log and in its checkpoints. Their protection is that of the data folder. (Of
//! passwords there are hashes only.)

use crate::catalog::{Catalog, Fact};
use crate::limits::{ACCESS_KEY_BYTES, ACCESS_KEYS_PER_USER};
use crate::{Cause, Refusal};
use std::fmt;
use std::sync::Arc;

/// An access key. Whoever signs with its secret is its user.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id, which requests name.
    pub id: Arc<str>,
    /// Its secret, in clear.
    pub secret: Arc<str>,
    /// The user that it stands for.
    pub user: Arc<str>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_at: u64,
}

impl fmt::Debug for AccessKey {
    /// Says nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({} of {}, …)", self.id, self.user)
    }
}

impl Catalog {
    /// Makes an access key for a user, who is deleted with all its keys. `now_ms` is in milliseconds since the Unix
    /// epoch.
    ///
    /// # Errors
    /// [`Cause::NotFound`] for an unknown user, [`Cause::PreconditionFailed`] for an id that is taken and for an id or a
    /// secret that no request could carry, [`Cause::NotAllowed`] if the user has as many keys as it may.
    pub fn create_access_key(
        &mut self,
        id: &str,
        secret: &str,
        user: &str,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let user = self.state.user(user)?.name.clone();
        check_id(id)?;
        check_secret(secret)?;
        if self.state.access_keys.contains_key(id) {
            return Err(Refusal::precondition(format!("there is an access key '{id}' already")));
        }
        if self.access_keys().filter(|key| key.user == user).count() >= ACCESS_KEYS_PER_USER {
            let text = format!("user '{user}' has {ACCESS_KEYS_PER_USER} access keys, and may have no more");
            return Err(Refusal::new(Cause::NotAllowed, text));
        }
        let key = AccessKey { id: id.into(), secret: secret.into(), user, created_at: now_ms };
        self.commit(vec![Fact::AccessKeyPut { key }])
    }

    /// Deletes an access key: what is signed with it is not accepted any more.
    ///
    /// # Errors
    /// [`Cause::NotFound`] if there is none of that id.
    pub fn delete_access_key(&mut self, id: &str) -> Result<(), Refusal> {
        let Some(key) = self.state.access_keys.get(id) else {
            return Err(Refusal::not_found(format!("no access key '{id}'")));
        };
        let id = key.id.clone();
        self.commit(vec![Fact::AccessKeyDeleted { id }])
    }

    /// The access key of that id.
    pub fn access_key(&self, id: &str) -> Option<&AccessKey> {
        self.state.access_keys.get(id)
    }

    /// All access keys, in the order of their ids.
    pub fn access_keys(&self) -> impl Iterator<Item = &AccessKey> {
        self.state.access_keys.values()
    }
}

/// An id is part of a credential, `ID/DATE/REGION/SERVICE/aws4_request`, and of a header: letters, digits and
/// underscores, as AWS's are.
fn check_id(id: &str) -> Result<(), Refusal> {
    let fits = (1..=ACCESS_KEY_BYTES).contains(&id.len());
    if fits && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(Refusal::precondition(format!(
        "an access key's id is 1 to {ACCESS_KEY_BYTES} letters, digits and underscores"
    )))
}

/// A secret is typed and copied: printable ASCII without blanks.
fn check_secret(secret: &str) -> Result<(), Refusal> {
    let fits = (1..=ACCESS_KEY_BYTES).contains(&secret.len());
    if fits && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Refusal::precondition(format!(
        "an access key's secret is 1 to {ACCESS_KEY_BYTES} printable characters of ASCII, none of them a blank"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{Rig, add_user, assert_refused, catalog};

    fn ids(catalog: &Catalog) -> Vec<&str> {
        catalog.access_keys().map(|key| &*key.id).collect()
    }

    #[test]
    fn a_key_is_made_found_and_deleted() {
        let mut catalog = catalog();
        catalog.create_access_key("LKIAB", "s3cret+/", "guest", 1_700_000_000_000).unwrap();
        catalog.create_access_key("LKIAA", "other", "guest", 5).unwrap();
        let key = catalog.access_key("LKIAB").unwrap();
        assert_eq!((&*key.secret, &*key.user, key.created_at), ("s3cret+/", "guest", 1_700_000_000_000));
        assert!(!format!("{catalog:?}").contains("s3cret"));
        assert_eq!(ids(&catalog), ["LKIAA", "LKIAB"]);
        catalog.delete_access_key("LKIAB").unwrap();
        assert_eq!(catalog.access_key("LKIAB"), None);
        assert_refused(catalog.delete_access_key("LKIAB"), Cause::NotFound, "no access key 'LKIAB'");
        assert_eq!(ids(&catalog), ["LKIAA"]);
    }

    #[test]
    fn a_user_takes_its_keys_along() {
        let mut rig = Rig::new();
        let catalog = &mut rig.catalog;
        add_user(catalog, "u", ["", "", ""]);
        catalog.create_access_key("A", "s", "u", 0).unwrap();
        catalog.create_access_key("B", "s", "guest", 0).unwrap();
        catalog.delete_user("u").unwrap();
        assert_eq!(ids(catalog), ["B"]);
        add_user(catalog, "u", ["", "", ""]);
        assert_eq!(catalog.access_key("A"), None, "a new user is a new user");
        assert_eq!(ids(&rig.replayed()), ["B"]);
    }

    #[test]
    fn keys_are_there_after_a_restart() {
        let mut rig = Rig::new();
        rig.catalog.create_access_key("A", "s", "guest", 7).unwrap();
        rig.catalog.create_access_key("B", "s", "guest", 8).unwrap();
        rig.catalog.delete_access_key("A").unwrap();
        assert_eq!(rig.replayed().access_key("B"), rig.catalog.access_key("B"));
        assert_eq!(ids(&rig.replayed()), ["B"]);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let mut catalog = catalog();
        assert_refused(catalog.create_access_key("A", "s", "u", 0), Cause::NotFound, "no user 'u'");
        catalog.create_access_key("A", "s", "guest", 0).unwrap();
        let text = "there is an access key 'A' already";
        assert_refused(catalog.create_access_key("A", "t", "guest", 0), Cause::PreconditionFailed, text);
        let text = "an access key's id is 1 to 128 letters, digits and underscores";
        for id in ["", "a/b", "a b", "a,b", "ä", &"A".repeat(129)] {
            assert_refused(catalog.create_access_key(id, "s", "guest", 0), Cause::PreconditionFailed, text);
        }
        let text = "an access key's secret is 1 to 128 printable characters of ASCII, none of them a blank";
        for secret in ["", "a b", "a\n", "ä", &"s".repeat(129)] {
            let refused = catalog.create_access_key("B", secret, "guest", 0);
            assert_refused(refused, Cause::PreconditionFailed, text);
        }
        assert_eq!(ids(&catalog), ["A"]);
    }

    #[test]
    fn a_user_has_so_many_keys_and_no_more() {
        let mut catalog = catalog();
        add_user(&mut catalog, "u", ["", "", ""]);
        for number in 0..ACCESS_KEYS_PER_USER {
            catalog.create_access_key(&format!("A{number}"), "s", "guest", 0).unwrap();
        }
        let text = "user 'guest' has 100 access keys, and may have no more";
        assert_refused(catalog.create_access_key("B", "s", "guest", 0), Cause::NotAllowed, text);
        catalog.create_access_key("B", "s", "u", 0).unwrap();
        catalog.delete_access_key("A7").unwrap();
        catalog.create_access_key("C", "s", "guest", 0).unwrap();
    }
}
