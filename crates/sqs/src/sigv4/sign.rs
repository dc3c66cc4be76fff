//! Signing a request, in its header `Authorization`: what a client of this or another server of AWS's protocols does.

use super::canonical::canonical_request;
use super::credential::{Credential, TERMINATOR};
use super::key::{Hmac, derive};
use super::{ALGORITHM, string_to_sign};
use crate::digest::hex;
use crate::http::Request;
use crate::moment::Moment;
use std::fmt;

/// The header that says when a request was signed.
const DATE: &str = "x-amz-date";

/// Signs requests with one access key, for one region and service. The key of a day is derived once, with the first
/// request of that day.
#[derive(Clone)]
pub struct RequestSigner {
    access_key: Box<str>,
    secret: Box<str>,
    region: Box<str>,
    service: Box<str>,
    today: Option<(Box<str>, Hmac)>,
}

/// The headers that a signed request has more than the same one unsigned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The value of `X-Amz-Date`, such as `20150830T123600Z`.
    pub date: String,
    /// The value of `Authorization`.
    pub authorization: String,
}

impl RequestSigner {
    /// Signs with the secret of this access key.
    pub fn new(access_key: &str, secret: &str, region: &str, service: &str) -> RequestSigner {
        RequestSigner {
            access_key: access_key.into(),
            secret: secret.into(),
            region: region.into(),
            service: service.into(),
            today: None,
        }
    }

    /// Signs a request with all of its headers, of which `host` must be one, and its body. `now_ms` is the time in
    /// milliseconds since the Unix epoch. The names of the headers are in lower case; neither `x-amz-date` nor
    /// `authorization` is among them, since the signature adds these.
    pub fn sign(&mut self, request: &Request<'_>, now_ms: u64) -> Signature {
        let signed_at = Moment::from_ms(now_ms);
        let date = signed_at.to_string();
        let day = date.split('T').next().unwrap_or(&date);
        let headers = [request.headers, &[(DATE, date.as_bytes())]].concat();
        let mut names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        let canonical = canonical_request(&Request { headers: &headers, ..*request }, false, &names);
        let credential = Credential {
            access_key: &self.access_key,
            date: day,
            region: &self.region,
            service: &self.service,
            terminator: TERMINATOR,
        };
        let to_sign = string_to_sign(&credential, signed_at, &canonical);
        let key = match &mut self.today {
            Some((known, key)) if **known == *day => key,
            today => &mut today.insert((day.into(), derive(&self.secret, &credential))).1,
        };
        let signature = hex(&key.of(to_sign.as_bytes()));
        let Credential { access_key, region, service, .. } = credential;
        let authorization = format!(
            "{ALGORITHM} Credential={access_key}/{day}/{region}/{service}/{TERMINATOR}, SignedHeaders={}, \
             Signature={signature}",
            names.join(";")
        );
        Signature { date, authorization }
    }
}

impl fmt::Debug for RequestSigner {
    /// Says nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSigner").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: u64 = 1_440_936_000_000;
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    fn authorization(signer: &mut RequestSigner, now_ms: u64) -> String {
        let request =
            Request { method: "GET", path: "/", query: "", headers: &[("host", b"here")], body: b"" };
        signer.sign(&request, now_ms).authorization
    }

    #[test]
    fn the_key_of_another_day_is_another_one() {
        let fresh = || RequestSigner::new("AKIDEXAMPLE", "a secret", "us-east-1", "sqs");
        let mut signer = fresh();
        for now_ms in [NOON_MS, NOON_MS + 1_000, NOON_MS + DAY_MS, NOON_MS] {
            assert_eq!(authorization(&mut signer, now_ms), authorization(&mut fresh(), now_ms));
        }
        let (day, _) = signer.today.as_ref().expect("it has signed");
        assert_eq!(&**day, "20150830");
    }

    #[test]
    fn the_secret_is_not_shown() {
        let signer = RequestSigner::new("AKIDEXAMPLE", "a secret", "us-east-1", "sqs");
        assert!(!format!("{signer:?}").contains("a secret"));
    }
}
