//! Who may do what: users, their permissions, limits and access keys, and the checks that doors make of them.
//!
//! Passwords are kept as hashes and never verified here. RabbitMQ's rules hold: patterns are not anchored, an empty
//! one permits nothing, and whoever has no permissions in a vhost may not enter it.

mod check;
mod key;
mod pattern;
mod permission;
#[cfg(test)]
mod tests;
mod user;

pub use key::AccessKey;
pub use pattern::{Pattern, PatternError};
pub use permission::{Permission, PermissionPatterns, TopicPatterns, TopicPermission};
pub use user::{HashAlgorithm, PasswordHash, User, UserLimits};
