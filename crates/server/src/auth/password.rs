//! Stored passwords: RabbitMQ's `salt ‖ H(salt ‖ password)` with a salt of four bytes.

use leveret_core::catalog::{HashAlgorithm, PasswordHash};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

const SALT_BYTES: usize = 4;

/// The stored form of a password, with a random salt.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn hash_password(password: &str) -> Result<PasswordHash, getrandom::Error> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)?;
    let algorithm = HashAlgorithm::Sha256;
    let mut bytes = salt.to_vec();
    bytes.extend(digest(algorithm, &salt, password.as_bytes()));
    Ok(PasswordHash { algorithm, bytes: bytes.into() })
}

/// Whether this is the password, in a time that does not depend on how much of it is right. An empty password never
/// is, as in RabbitMQ.
pub fn verify_password(hash: &PasswordHash, password: &[u8]) -> bool {
    let Some((salt, expected)) = hash.bytes.split_at_checked(SALT_BYTES) else { return false };
    !password.is_empty() && digest(hash.algorithm, salt, password).ct_eq(expected).into()
}

fn digest(algorithm: HashAlgorithm, salt: &[u8], password: &[u8]) -> Vec<u8> {
    match algorithm {
        HashAlgorithm::Sha256 => salted::<Sha256>(salt, password),
        HashAlgorithm::Sha512 => salted::<Sha512>(salt, password),
        HashAlgorithm::Md5 => salted::<Md5>(salt, password),
    }
}

fn salted<H: Digest>(salt: &[u8], password: &[u8]) -> Vec<u8> {
    H::new().chain_update(salt).chain_update(password).finalize().to_vec()
}
