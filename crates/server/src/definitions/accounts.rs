//! Users, and what they may do.

use super::entry::Entry;
use super::outcome::{DONE, Done, Wrong};
use crate::auth::hash_password;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_core::catalog::{
    Catalog, HashAlgorithm, PasswordHash, PermissionPatterns, TopicPatterns, UserLimits,
};
use leveret_core::{Cause, Refusal};

/// The bytes of a salted MD5 hash. Only brokers before RabbitMQ 3.6 do not say which function it was, and theirs was
/// MD5.
const MD5_BYTES: usize = 4 + 16;

/// A user, its password and its limits. One without a password logs in with a certificate only.
pub(super) fn user(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let name = entry.text("name")?;
    let password = match (entry.text_or("password_hash", "")?, entry.text_or("password", "")?) {
        ("", "") => None,
        // Written by hand: RabbitMQ takes a password in clear, too.
        ("", clear) => {
            Some(hash_password(clear).map_err(|error| Refusal::new(Cause::Internal, error.to_string()))?)
        }
        (hash, "") => Some(stored(hash, entry.optional_text("hashing_algorithm")?)?),
        _ => return Err(Refusal::precondition("both a password and a password hash are given").into()),
    };
    let limits = match entry.nested("limits")? {
        Some(limits) => Some(UserLimits {
            max_connections: limits.limit("max-connections")?,
            max_channels: limits.limit("max-channels")?,
        }),
        None => None,
    };
    let tags = entry.words("tags")?.unwrap_or_default();
    catalog.put_user(name, password, tags.into_iter().map(Into::into).collect())?;
    if let Some(limits) = limits {
        catalog.set_user_limits(name, limits)?;
    }
    Ok(DONE)
}

/// What a user may do in a vhost.
pub(super) fn permission(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let patterns = PermissionPatterns {
        configure: entry.text("configure")?,
        write: entry.text("write")?,
        read: entry.text("read")?,
    };
    catalog.put_permission(entry.text("user")?, entry.vhost()?, patterns)?;
    Ok(DONE)
}

/// Which routing keys a user may use on a topic exchange.
pub(super) fn topic_permission(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let patterns = TopicPatterns { write: entry.text("write")?, read: entry.text("read")? };
    catalog.put_topic_permission(entry.text("user")?, entry.vhost()?, entry.text("exchange")?, patterns)?;
    Ok(DONE)
}

fn stored(hash: &str, algorithm: Option<&str>) -> Result<PasswordHash, Refusal> {
    let unusable = |what| Refusal::precondition(format!("the password hash is not {what}"));
    let bytes = STANDARD.decode(hash).map_err(|_| unusable("in base64"))?;
    let algorithm = match algorithm {
        Some(name) => HashAlgorithm::from_name(name).ok_or_else(|| unusable("of a known algorithm"))?,
        None if bytes.len() == MD5_BYTES => HashAlgorithm::Md5,
        None => HashAlgorithm::Sha256,
    };
    Ok(PasswordHash { algorithm, bytes: bytes.into() })
}
