//! What can be asked of a broker, and what it answers: the lines on the socket.

use leveret_core::catalog::AccessKey;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes of a request's line, at most.
pub(super) const REQUEST_BYTES: usize = 64 << 10;
/// Bytes of a reply's line, at most: a list may be long.
pub(super) const REPLY_BYTES: usize = 64 << 20;

/// What is asked. Other things to administer, such as users and vhosts, become variants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Make an access key for a user.
    CreateAccessKey {
        /// The user's name.
        user: String,
    },
    /// List the access keys of all users.
    ListAccessKeys,
    /// Delete an access key.
    DeleteAccessKey {
        /// Its id.
        id: String,
    },
}

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is done, and on the disk.
    Done,
    /// The access key is made, and on the disk.
    NewAccessKey(NewKey),
    /// The access keys, in the order of their ids.
    AccessKeys(Vec<KeyShown>),
    /// It is not done.
    Refused(String),
}

/// An access key that was just made: the only time that its secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The user that it stands for.
    pub user: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
}

/// An access key in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyShown {
    /// Its id.
    pub id: String,
    /// The user that it stands for.
    pub user: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
}

impl fmt::Debug for NewKey {
    /// Says nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKey({} of {}, …)", self.id, self.user)
    }
}

impl From<&AccessKey> for KeyShown {
    fn from(key: &AccessKey) -> KeyShown {
        KeyShown { id: (*key.id).into(), user: (*key.user).into(), created_at_ms: key.created_at }
    }
}
