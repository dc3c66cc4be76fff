//! An RSA key of 2048 bits: made, written and read as PKCS#1 has it (RFC 8017, A.1), and used to sign.

use crate::certificates::der::{self, INTEGER, Reader, SEQUENCE};
use getrandom::SysRng;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, PrivateKey};
use sha1::Sha1;
use sha2::Sha256;
use std::fmt;

const BITS: usize = 2048;
/// Bytes that a number of a key which is read may have: as many as `rsa` takes.
const MAX_BYTES: usize = 1024;

/// What is wrong with a key.
#[derive(Debug)]
pub enum KeyError {
    /// Not PEM, or PEM of something else.
    Pem(rustls::pki_types::pem::Error),
    /// Not a key in the form of PKCS#1.
    Form,
    /// The numbers are no RSA key, or the system has no random bytes.
    Rsa(rsa::Error),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Pem(error) => write!(f, "no key in PEM: {error}"),
            KeyError::Form => f.write_str("no key in the form of PKCS#1 (BEGIN RSA PRIVATE KEY)"),
            KeyError::Rsa(error) => write!(f, "RSA: {error}"),
        }
    }
}

impl std::error::Error for KeyError {}

/// An RSA key with its private part.
pub(super) struct Key(PrivateKey);

impl Key {
    /// Makes a key: a search for two primes, which takes from a tenth of a second to a few.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(super) fn generate() -> Result<Key, KeyError> {
        PrivateKey::new(&mut SysRng, BITS).map(Key).map_err(KeyError::Rsa)
    }

    /// Reads `RSAPrivateKey`.
    ///
    /// # Errors
    /// When it is not one of two primes, or its numbers do not belong together.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Key, KeyError> {
        let mut fields = Reader(Reader(der).content(SEQUENCE).ok_or(KeyError::Form)?);
        let mut number = || fields.content(INTEGER).ok_or(KeyError::Form);
        if number()? != [0] {
            return Err(KeyError::Form);
        }
        let [n, e, d, p, q] = [number()?, number()?, number()?, number()?, number()?].map(positive);
        // The room for a number tells nothing of a secret one: it is that of the modulus.
        let room = n.len();
        let [n, d, p, q] = [unsigned(n, room)?, unsigned(d, room)?, unsigned(p, room)?, unsigned(q, room)?];
        let key = PrivateKey::from_components(n, unsigned(e, e.len())?, d, vec![p, q]);
        key.map(Key).map_err(KeyError::Rsa)
    }

    /// Writes `RSAPrivateKey`. `None` if a number is missing, which a key of two primes has.
    pub(super) fn to_pkcs1(&self) -> Option<Vec<u8>> {
        let (key, [p, q]) = (&self.0, self.0.primes()) else { return None };
        let coefficient = key.crt_coefficient()?;
        let numbers = [key.e(), key.d(), p, q, key.dp()?, key.dq()?, &coefficient];
        let mut fields = der::unsigned(&[]);
        fields.extend(der::unsigned(&key.n_bytes()));
        for number in numbers {
            fields.extend(der::unsigned(&number.to_be_bytes()));
        }
        Some(der::value(SEQUENCE, &[&fields]))
    }

    /// The public part, `RSAPublicKey`.
    pub(super) fn public_pkcs1(&self) -> Vec<u8> {
        der::value(SEQUENCE, &[&der::unsigned(&self.0.n_bytes()), &der::unsigned(&self.0.e_bytes())])
    }

    /// SHA1withRSA, PKCS#1 v1.5.
    ///
    /// # Errors
    /// When the system has no random bytes, which hide from a clock what the key is.
    pub(super) fn sign_sha1(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.pkcs1v15_sign_with_rng::<Sha1, _>(&mut SysRng, text).map_err(KeyError::Rsa)
    }

    /// SHA256withRSA, PKCS#1 v1.5.
    ///
    /// # Errors
    /// As with [`Key::sign_sha1`].
    pub(super) fn sign_sha256(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.pkcs1v15_sign_with_rng::<Sha256, _>(&mut SysRng, text).map_err(KeyError::Rsa)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The content of an INTEGER without the byte that keeps a number's highest bit from being its sign.
fn positive(content: &[u8]) -> &[u8] {
    content.strip_prefix(&[0]).unwrap_or(content)
}

/// A number in so many bytes.
fn unsigned(bytes: &[u8], room: usize) -> Result<BoxedUint, KeyError> {
    if bytes.is_empty() || room > MAX_BYTES {
        return Err(KeyError::Form);
    }
    BoxedUint::from_be_slice(bytes, room as u32 * 8).map_err(|_too_long| KeyError::Form)
}
