//! AWS Signature Version 4, as a server verifies it: whether a request was made by somebody who has the secret of an
//! access key, and not changed on its way; and as a client signs, for those who put load on a server. Pure: the time
//! and the secrets come in.
//!
//! A signature stands in the header `Authorization`, or in the query of a presigned URL. The rules are those of AWS's
//! guide "Signature Version 4 signing process"; the order in which mistakes are found, and their texts, are those of
//! AWS's own services.
//!
//! Not here: temporary credentials (a session token is a header like any other, since no key has one), the chunked
//! uploads of S3, and Signature Version 4A.
//!
//! - [`claim`]: what a request says of its signature;
//! - [`credential`]: who it says it is;
//! - [`canonical`]: the request in the one form that both sides hash;
//! - [`key`]: HMAC, the keys that follow from a secret, and their cache;
//! - [`sign`]: the other side, which makes a signature;
//! - [`error`]: why a signature is not accepted.

mod canonical;
mod claim;
mod credential;
mod error;
mod key;
mod sign;
#[cfg(test)]
mod tests;

pub use credential::{Credential, parse_credential};
pub use error::SignatureError;
pub use key::SigningKeys;
pub use sign::{RequestSigner, Signature};

use crate::digest::hex;
use crate::http::Request;
use crate::moment::Moment;
use canonical::canonical_request;
use claim::Claim;
use sha2::{Digest, Sha256};

/// The only algorithm there is.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Whose request it is: its signature was right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The id of the access key.
    pub access_key: Box<str>,
    /// The region that it was signed for.
    pub region: Box<str>,
    /// The service that it was signed for, such as `sqs`. Whether it is the right one is the caller's to say.
    pub service: Box<str>,
}

/// Verifies the signature of a request. `now_ms` is the time in milliseconds since the Unix epoch, `secret_of` finds
/// the secret of an access key, and `keys` remembers what was derived from secrets.
///
/// # Errors
/// See [`SignatureError`]. What is wrong with the form of a signature is found before the key is looked up, and
/// nothing of the request is hashed for a key that is not known.
pub fn verify<S: AsRef<str>>(
    request: &Request<'_>,
    now_ms: u64,
    secret_of: impl FnOnce(&str) -> Option<S>,
    keys: &SigningKeys,
) -> Result<Verified, SignatureError> {
    let claim = Claim::of(request)?;
    let signed_at = claim.signed_at()?;
    claim.check_time(signed_at, Moment::from_ms(now_ms))?;
    let signed_headers = claim.checked_headers(request)?;
    claim.check_algorithm()?;
    let credential = claim.checked_credential(signed_at)?;
    let secret = secret_of(credential.access_key).ok_or(SignatureError::UnknownKey)?;
    let canonical = canonical_request(request, claim.presigned, &signed_headers);
    let to_sign = string_to_sign(&credential, signed_at, &canonical);
    if !keys.verify(secret.as_ref(), &credential, to_sign.as_bytes(), &claim.signature) {
        return Err(SignatureError::Mismatch);
    }
    let Credential { access_key, region, service, .. } = credential;
    Ok(Verified { access_key: access_key.into(), region: region.into(), service: service.into() })
}

fn string_to_sign(credential: &Credential<'_>, signed_at: Moment, canonical: &[u8]) -> String {
    let Credential { date, region, service, .. } = credential;
    let hash = hex(&Sha256::digest(canonical));
    format!("{ALGORITHM}\n{signed_at}\n{date}/{region}/{service}/{}\n{hash}", credential::TERMINATOR)
}
