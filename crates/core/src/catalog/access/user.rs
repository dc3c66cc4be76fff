//! Users: their stored passwords, tags and limits.

use super::permission::{Permission, TopicPermission};
use crate::Refusal;
use crate::catalog::state::check_length;
use crate::catalog::{Catalog, Fact};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: Arc<str>,
    /// What its password is checked against; `None` for one that cannot log in with a password.
    pub password: Option<PasswordHash>,
    /// `administrator`, `monitoring`, `policymaker`, `management`, `impersonator`, and any other word.
    pub tags: Vec<Arc<str>>,
    /// Its limits.
    pub limits: UserLimits,
    pub(in crate::catalog) permissions: BTreeMap<Arc<str>, Permission>,
    pub(in crate::catalog) topic_permissions: BTreeMap<Arc<str>, BTreeMap<Arc<str>, TopicPermission>>,
}

/// A password as it is stored: RabbitMQ's `salt ‖ hash(salt ‖ password)` with a salt of four bytes, which its
/// definitions give in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// The hash function.
    pub algorithm: HashAlgorithm,
    /// Salt and hash.
    pub bytes: Arc<[u8]>,
}

/// The hash function of a stored password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashAlgorithm {
    /// `rabbit_password_hashing_sha256`, the default.
    Sha256,
    /// `rabbit_password_hashing_sha512`.
    Sha512,
    /// `rabbit_password_hashing_md5`, of very old brokers.
    Md5,
}

/// The limits of a user; `None` is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UserLimits {
    /// Connections at once.
    pub max_connections: Option<u32>,
    /// Channels at once, over all its connections.
    pub max_channels: Option<u32>,
}

impl HashAlgorithm {
    /// The name in RabbitMQ's definitions.
    pub fn name(self) -> &'static str {
        match self {
            HashAlgorithm::Sha256 => "rabbit_password_hashing_sha256",
            HashAlgorithm::Sha512 => "rabbit_password_hashing_sha512",
            HashAlgorithm::Md5 => "rabbit_password_hashing_md5",
        }
    }

    /// The function of that name.
    pub fn from_name(name: &str) -> Option<HashAlgorithm> {
        [HashAlgorithm::Sha256, HashAlgorithm::Sha512, HashAlgorithm::Md5]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({}, …)", self.algorithm.name())
    }
}

impl User {
    pub(in crate::catalog) fn new(name: Arc<str>) -> User {
        User {
            name,
            password: None,
            tags: Vec::new(),
            limits: UserLimits::default(),
            permissions: BTreeMap::new(),
            topic_permissions: BTreeMap::new(),
        }
    }

    /// Whether it has the tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|found| &**found == tag)
    }

    /// Its permissions, by vhost.
    pub fn permissions(&self) -> &BTreeMap<Arc<str>, Permission> {
        &self.permissions
    }
}

impl Catalog {
    /// Adds a user, or gives one that is there this password and these tags. A new one has no permissions.
    ///
    /// # Errors
    /// [`crate::Cause::PreconditionFailed`] for a name that is empty or too long, [`crate::Cause::Internal`] if the log refuses.
    pub fn put_user(
        &mut self,
        name: &str,
        password: Option<PasswordHash>,
        tags: Vec<Arc<str>>,
    ) -> Result<(), Refusal> {
        check_length("user", name)?;
        self.commit(vec![Fact::UserPut { name: name.into(), password, tags }])
    }

    /// Gives a user other tags.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] for an unknown user.
    pub fn set_user_tags(&mut self, name: &str, tags: Vec<Arc<str>>) -> Result<(), Refusal> {
        let user = self.state.user(name)?;
        let fact = Fact::UserPut { name: user.name.clone(), password: user.password.clone(), tags };
        self.commit(vec![fact])
    }

    /// Sets all limits of a user.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] for an unknown user.
    pub fn set_user_limits(&mut self, name: &str, limits: UserLimits) -> Result<(), Refusal> {
        let name = self.state.user(name)?.name.clone();
        self.commit(vec![Fact::UserLimitsSet { name, limits }])
    }

    /// Deletes a user, its permissions and its access keys. Its connections are the caller's to close.
    ///
    /// # Errors
    /// [`crate::Cause::NotFound`] for an unknown user.
    pub fn delete_user(&mut self, name: &str) -> Result<(), Refusal> {
        let name = self.state.user(name)?.name.clone();
        self.commit(vec![Fact::UserDeleted { name }])
    }
}
