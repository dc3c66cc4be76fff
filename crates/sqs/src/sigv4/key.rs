//! The keys that follow from a secret, and HMAC-SHA-256 with them.

use super::credential::{Credential, TERMINATOR};
use crate::digest::hex;
use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq;

/// How many keys are remembered: one for each secret, day, region and service in use.
const SLOTS: usize = 256;
/// Bytes that SHA-256 takes at once.
const BLOCK: usize = 64;

/// The keys that were derived of late. A key has one slot, which it takes from whichever had it before: there is
/// nothing to age, and no more than [`SLOTS`] of them. Only a key that has verified a signature is remembered, so that
/// nobody without a secret drives out those of others.
pub struct SigningKeys {
    slots: Mutex<Box<[Option<Slot>]>>,
}

/// A key, and all that it was derived from: another secret under an old id is another key.
struct Slot {
    secret: Box<str>,
    date: Box<str>,
    region: Box<str>,
    service: Box<str>,
    key: Hmac,
}

/// HMAC-SHA-256 (RFC 2104) with one key: both hashes with their first block taken in.
#[derive(Clone)]
pub(super) struct Hmac {
    inner: Sha256,
    outer: Sha256,
}

impl Default for SigningKeys {
    fn default() -> SigningKeys {
        SigningKeys { slots: Mutex::new(std::iter::repeat_with(|| None).take(SLOTS).collect()) }
    }
}

impl SigningKeys {
    /// Whether `signature` is that of `text`, in a time that does not depend on how much of it is right.
    pub(super) fn verify(
        &self,
        secret: &str,
        credential: &Credential<'_>,
        text: &[u8],
        signature: &str,
    ) -> bool {
        let slot = slot_of(secret, credential);
        let remembered = self.lock()[slot].as_ref().and_then(|slot| slot.key_of(secret, credential));
        let (key, is_new) = match remembered {
            Some(key) => (key, false),
            None => (derive(secret, credential), true),
        };
        let right = hex(&key.of(text)).as_bytes().ct_eq(signature.as_bytes()).into();
        if right && is_new {
            self.lock()[slot] = Some(Slot {
                secret: secret.into(),
                date: credential.date.into(),
                region: credential.region.into(),
                service: credential.service.into(),
                key,
            });
        }
        right
    }

    fn lock(&self) -> MutexGuard<'_, Box<[Option<Slot>]>> {
        // Every slot is whole at every moment, so a poisoned lock is as good as any.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SigningKeys {
    /// Says nothing of the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").finish_non_exhaustive()
    }
}

impl Slot {
    fn key_of(&self, secret: &str, credential: &Credential<'_>) -> Option<Hmac> {
        let Credential { date, region, service, .. } = *credential;
        let same = *self.secret == *secret
            && *self.date == *date
            && *self.region == *region
            && *self.service == *service;
        same.then(|| self.key.clone())
    }
}

impl Hmac {
    fn new(key: &[u8]) -> Hmac {
        let mut block = [0; BLOCK];
        if key.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let keyed = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
        Hmac { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    pub(super) fn of(&self, text: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(text).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

fn slot_of(secret: &str, credential: &Credential<'_>) -> usize {
    let mut hasher = DefaultHasher::new();
    (secret, credential.date, credential.region, credential.service).hash(&mut hasher);
    hasher.finish() as usize % SLOTS
}

/// AWS's guide, "derive a signing key": date, region, service and terminator, each with the key from the one before.
pub(super) fn derive(secret: &str, credential: &Credential<'_>) -> Hmac {
    let Credential { date, region, service, .. } = *credential;
    let first = Hmac::new(format!("AWS4{secret}").as_bytes());
    [date, region, service, TERMINATOR]
        .into_iter()
        .fold(first, |key, part| Hmac::new(&key.of(part.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test cases 1, 2, 3, 6 and 7 of RFC 4231.
    #[test]
    fn hmac_is_that_of_the_rfc() {
        let long_key = "Test Using Larger Than Block-Size Key - Hash Key First";
        let long_text = "This is a test using a larger than block-size key and a larger than block-size data. \
                         The key needs to be hashed before being used by the HMAC algorithm.";
        let cases: [(&[u8], &[u8], &str); 5] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &[0xaa; 131],
                long_key.as_bytes(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                long_text.as_bytes(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, text, expected) in cases {
            assert_eq!(hex(&Hmac::new(key).of(text)), expected);
        }
    }

    const CREDENTIAL: Credential<'_> = Credential {
        access_key: "AKIDEXAMPLE",
        date: "20150830",
        region: "us-east-1",
        service: "iam",
        terminator: TERMINATOR,
    };
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn sign(secret: &str, credential: &Credential<'_>) -> String {
        hex(&derive(secret, credential).of(b"text"))
    }

    fn remembered(keys: &SigningKeys) -> usize {
        keys.lock().iter().flatten().count()
    }

    #[test]
    fn a_key_is_remembered_once_it_has_verified_something() {
        let keys = SigningKeys::default();
        let signature = sign(SECRET, &CREDENTIAL);
        assert!(!keys.verify(SECRET, &CREDENTIAL, b"text", &"0".repeat(64)));
        assert_eq!(remembered(&keys), 0);
        for _ in 0..2 {
            assert!(keys.verify(SECRET, &CREDENTIAL, b"text", &signature));
            assert!(!keys.verify(SECRET, &CREDENTIAL, b"other text", &signature));
        }
        assert_eq!(remembered(&keys), 1);
    }

    #[test]
    fn another_secret_is_another_key() {
        let keys = SigningKeys::default();
        assert!(keys.verify(SECRET, &CREDENTIAL, b"text", &sign(SECRET, &CREDENTIAL)));
        assert!(!keys.verify("new", &CREDENTIAL, b"text", &sign(SECRET, &CREDENTIAL)));
        assert!(keys.verify("new", &CREDENTIAL, b"text", &sign("new", &CREDENTIAL)));
        assert!(!format!("{keys:?}").contains("new"));
    }

    #[test]
    fn there_are_never_more_keys_than_slots() {
        let keys = SigningKeys::default();
        for number in 0..3 * SLOTS {
            let region = number.to_string();
            let credential = Credential { region: &region, ..CREDENTIAL };
            assert!(keys.verify(SECRET, &credential, b"text", &sign(SECRET, &credential)));
        }
        assert!((SLOTS / 2..=SLOTS).contains(&remembered(&keys)));
    }
}
