//! The canonical request: the one form of a request that client and server hash. AWS's guide "Create a signed AWS API
//! request", step 1, for services other than S3: the path is normalised, and encoded again as it was sent.

use crate::digest::hex;
use crate::http::Request;
use crate::protocol::percent_encode;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Instead of the hash of a body, if the client chose not to sign it. The signature covers that choice.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The canonical request. `signed_headers` are names in lower case and in order, each once, so the result is not much
/// longer than the request's head. Of a presigned URL, the signature is in the query and is left out.
pub(super) fn canonical_request<S: AsRef<str>>(
    request: &Request<'_>,
    presigned: bool,
    signed_headers: &[S],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    put_path(request.path, &mut out);
    out.push(b'\n');
    put_query(request.query, presigned, &mut out);
    out.push(b'\n');
    for name in signed_headers {
        put_header(request, name.as_ref(), &mut out);
    }
    out.push(b'\n');
    for (index, name) in signed_headers.iter().enumerate() {
        if index > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_ref().as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(payload_hash(request).as_bytes());
    out
}

/// The parameters of a query as they were sent.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The bytes that a part of a query means. A plus sign is a blank, as everywhere in the door; what is no escape stands
/// for itself.
pub(super) fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text.as_bytes());
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                at += 2;
            }
            (b'+', ..) => decoded.push(b' '),
            (other, ..) => decoded.push(other),
        }
        at += 1;
    }
    Cow::Owned(decoded)
}

/// The path without empty segments, `.` and `..`, each segment encoded.
fn put_path(path: &str, out: &mut Vec<u8>) {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    for segment in &segments {
        out.push(b'/');
        percent_encode(segment.as_bytes(), out);
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
}

/// The parameters in the order of their encoded names and values. A presigned URL's signature is none of them.
fn put_query(query: &str, presigned: bool, out: &mut Vec<u8>) {
    let encoded = |text: &str| {
        let mut encoded = Vec::with_capacity(text.len());
        percent_encode(&decoded(text), &mut encoded);
        encoded
    };
    let mut pairs: Vec<_> = parameters(query)
        .filter(|(name, _)| !(presigned && *name == "X-Amz-Signature"))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// The line of a header: its values in the order in which they came, with single blanks and none around them.
fn put_header(request: &Request<'_>, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let values = request.headers.iter().filter(|(known, _)| *known == name);
    for (index, (_, value)) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let words = value.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
    out.push(b'\n');
}

/// The hash of the body. A header that names another one makes a signature that does not match.
fn payload_hash(request: &Request<'_>) -> Cow<'static, str> {
    let chosen = request.header("x-amz-content-sha256").or_else(|| {
        parameters(request.query).find(|(name, _)| *name == "X-Amz-Content-Sha256").map(|(_, value)| value)
    });
    match chosen {
        Some(UNSIGNED) => UNSIGNED.into(),
        _ => hex(&Sha256::digest(request.body)).into(),
    }
}
