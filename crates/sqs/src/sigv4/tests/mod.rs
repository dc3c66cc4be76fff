//! Requests that others signed, and requests that nobody should accept.

mod botocore;
mod refused;
mod suite;

use super::{RequestSigner, SigningKeys, Verified, verify};
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
        let headers = self.header_bytes();
        let request = self.request(&headers);
        let secret_of = |asked: &str| (asked == id).then_some(secret);
        let keys = SigningKeys::default();
        let first = verify(&request, now_ms, secret_of, &keys);
        assert_eq!(verify(&request, now_ms, secret_of, &keys), first, "with a key that is remembered");
        first
    }

    /// Signs it: the value of `Authorization`.
    fn sign(&self, now_ms: u64, (id, secret): (&str, &str), region: &str, service: &str) -> String {
        let headers = self.header_bytes();
        let mut signer = RequestSigner::new(id, secret, region, service);
        let first = signer.sign(&self.request(&headers), now_ms);
        assert_eq!(signer.sign(&self.request(&headers), now_ms), first, "with a key that is remembered");
        first.authorization
    }

    fn header_bytes(&self) -> Vec<(&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
    }

    fn request<'a>(&'a self, headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        Request { method: self.method, path, query, headers, body: self.body.as_bytes() }
    }
}
