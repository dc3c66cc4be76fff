//! Requests that others signed, and requests that nobody should accept.

mod botocore;
mod refused;
mod suite;

use super::{SigningKeys, Verified, verify};
use crate::http::Request;
use crate::sigv4::SignatureError;

/// A request of a test; names of headers in lower case.
#[derive(Clone, Copy)]
struct Sent<'a> {
    method: &'a str,
    /// Path and query.
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

impl Sent<'_> {
    /// Verifies it at a time, for the one key that there is.
    fn verify(&self, now_ms: u64, (id, secret): (&str, &str)) -> Result<Verified, SignatureError> {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let Sent { method, body, .. } = *self;
        let request = Request { method, path, query, headers: &headers, body: body.as_bytes() };
        let secret_of = |asked: &str| (asked == id).then_some(secret);
        let keys = SigningKeys::default();
        let first = verify(&request, now_ms, secret_of, &keys);
        assert_eq!(verify(&request, now_ms, secret_of, &keys), first, "with a key that is remembered");
        first
    }
}
