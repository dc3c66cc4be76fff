//! What a request says of its signature, in the header `Authorization` or in its query.

use super::credential::{Credential, TERMINATOR};
use super::error::{SignatureError, Skew};
use super::{ALGORITHM, canonical};
use crate::http::Request;
use crate::moment::Moment;
use std::borrow::Cow;

/// How far a signature's date may be from the clock, in seconds (AWS: 15 minutes either way).
const SKEW_SECONDS: u64 = 15 * 60;
/// How long a presigned URL may be good for, in seconds (AWS: a week).
const LIFETIME_SECONDS: u64 = 7 * 24 * 60 * 60;

/// What a request says of its signature.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    /// Whether it stands in the query.
    pub(super) presigned: bool,
    pub(super) signature: Cow<'a, str>,
    algorithm: Cow<'a, str>,
    credential: Cow<'a, str>,
    signed_headers: Cow<'a, str>,
    date: Cow<'a, str>,
    /// For how many seconds it is good.
    lifetime: u64,
}

impl<'a> Claim<'a> {
    /// Finds the claim of a request.
    ///
    /// # Errors
    /// [`SignatureError`] for a request that makes none, or none that is whole.
    pub(super) fn of(request: &Request<'a>) -> Result<Claim<'a>, SignatureError> {
        let authorization = request.header("authorization").map(str::trim);
        match (authorization, parameter(request, "X-Amz-Algorithm")) {
            (Some(_), Some(_)) => Err(SignatureError::SignedTwice),
            (Some(header), None) if header.starts_with("AWS4-") => Claim::in_header(request, header),
            (None, Some(algorithm)) => Claim::in_query(request, algorithm),
            _ => Err(SignatureError::NotSigned),
        }
    }

    fn in_header(request: &Request<'a>, header: &'a str) -> Result<Claim<'a>, SignatureError> {
        let (algorithm, parts) = header.split_once(' ').unwrap_or((header, ""));
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parts.split([',', ' ']).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("Credential", value)) => credential = Some(value),
                Some(("SignedHeaders", value)) => signed_headers = Some(value),
                Some(("Signature", value)) => signature = Some(value),
                Some(_) => {}
                None => return Err(SignatureError::NoPair { part: part.into() }),
            }
        }
        let date = request.header("x-amz-date").or_else(|| request.header("date")).map(str::trim);
        let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (credential, signature, signed_headers, date)
        else {
            let parts = [
                ("'Credential' parameter", credential),
                ("'Signature' parameter", signature),
                ("'SignedHeaders' parameter", signed_headers),
                ("existence of either a 'X-Amz-Date' or a 'Date' header", date),
            ];
            return Err(SignatureError::HeaderLacks { parts: absent(&parts), algorithm: algorithm.into() });
        };
        Ok(Claim {
            presigned: false,
            signature: signature.into(),
            algorithm: algorithm.into(),
            credential: credential.into(),
            signed_headers: signed_headers.into(),
            date: date.into(),
            lifetime: SKEW_SECONDS,
        })
    }

    fn in_query(request: &Request<'a>, algorithm: Cow<'a, str>) -> Result<Claim<'a>, SignatureError> {
        let [credential, signature, signed_headers, date, lifetime] =
            ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"]
                .map(|name| parameter(request, name));
        let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (&credential, &signature, &signed_headers, &date)
        else {
            let parameters = absent(&[
                ("X-Amz-Credential", credential.as_deref()),
                ("X-Amz-Signature", signature.as_deref()),
                ("X-Amz-SignedHeaders", signed_headers.as_deref()),
                ("X-Amz-Date", date.as_deref()),
            ]);
            return Err(SignatureError::QueryLacks { parameters });
        };
        Ok(Claim {
            presigned: true,
            signature: signature.clone(),
            algorithm,
            credential: credential.clone(),
            signed_headers: signed_headers.clone(),
            date: date.clone(),
            lifetime: lifetime.map_or(Ok(SKEW_SECONDS), |given| parse_lifetime(&given))?,
        })
    }

    /// The date of the signature.
    ///
    /// # Errors
    /// [`SignatureError::Date`] if it is not one.
    pub(super) fn signed_at(&self) -> Result<Moment, SignatureError> {
        Moment::parse(&self.date).ok_or_else(|| SignatureError::Date { given: (*self.date).into() })
    }

    /// Whether the signature is good now. A presigned URL lasts as long as it says, as those of S3 do; SQS itself does
    /// not look at `X-Amz-Expires` and gives every signature 15 minutes.
    ///
    /// # Errors
    /// [`SignatureError::Expired`], [`SignatureError::NotYetCurrent`].
    pub(super) fn check_time(&self, signed_at: Moment, now: Moment) -> Result<(), SignatureError> {
        let skew = |allowed| Skew { signed_at, now, allowed };
        if signed_at < now.before(self.lifetime) {
            return Err(SignatureError::Expired(skew(self.lifetime)));
        }
        if signed_at > now.after(SKEW_SECONDS) {
            return Err(SignatureError::NotYetCurrent(skew(SKEW_SECONDS)));
        }
        Ok(())
    }

    /// The names of the signed headers, in lower case and in order, each once.
    ///
    /// # Errors
    /// [`SignatureError::Unsigned`] without `Host`, and without `X-Amz-Target` if the request has it: whoever got hold of
    /// a signed request could send it to another broker, or make another action of it.
    pub(super) fn checked_headers(&self, request: &Request<'_>) -> Result<Vec<String>, SignatureError> {
        let mut names: Vec<String> = self.signed_headers.split(';').map(str::to_ascii_lowercase).collect();
        names.sort_unstable();
        names.dedup();
        let has = |header: &str| request.headers.iter().any(|(name, _)| *name == header);
        let is_signed = |header: &str| names.iter().any(|name| name == header);
        if !is_signed("host") {
            return Err(SignatureError::Unsigned { header: "Host" });
        }
        if has("x-amz-target") && !is_signed("x-amz-target") {
            return Err(SignatureError::Unsigned { header: "X-Amz-Target" });
        }
        Ok(names)
    }

    /// # Errors
    /// [`SignatureError::Algorithm`] for any but the one.
    pub(super) fn check_algorithm(&self) -> Result<(), SignatureError> {
        match &*self.algorithm {
            ALGORITHM => Ok(()),
            other => Err(SignatureError::Algorithm { named: other.into() }),
        }
    }

    /// The credential, whose scope must be of the day of the signature.
    ///
    /// # Errors
    /// [`SignatureError::Credential`], [`SignatureError::Terminator`], [`SignatureError::OtherDay`].
    pub(super) fn checked_credential(&self, signed_at: Moment) -> Result<Credential<'_>, SignatureError> {
        let Some(credential) = Credential::parse(&self.credential) else {
            return Err(SignatureError::Credential { given: (*self.credential).into() });
        };
        if credential.terminator != TERMINATOR {
            return Err(SignatureError::Terminator { given: credential.terminator.into() });
        }
        let signed_at = signed_at.to_string();
        if signed_at.split('T').next() != Some(credential.date) {
            return Err(SignatureError::OtherDay { given: credential.date.into(), signed_at });
        }
        Ok(credential)
    }
}

/// A parameter of the query, decoded; the first of that name.
fn parameter<'a>(request: &Request<'a>, name: &str) -> Option<Cow<'a, str>> {
    let value = canonical::parameters(request.query).find(|(known, _)| *known == name)?.1;
    Some(match canonical::decoded(value) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        // What is not UTF-8 is none of the values that are good.
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
    })
}

/// The names of what is not there.
fn absent(parts: &[(&'static str, Option<&str>)]) -> Vec<&'static str> {
    parts.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect()
}

fn parse_lifetime(given: &str) -> Result<u64, SignatureError> {
    let seconds = given.parse().ok().filter(|seconds| (1..=LIFETIME_SECONDS).contains(seconds));
    seconds.ok_or_else(|| SignatureError::Lifetime { given: given.into() })
}
