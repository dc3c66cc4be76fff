//! A connection to a server of SQS, and the signature of what goes over it.

use std::net::SocketAddr;
use std::str;
use std::time::{SystemTime, UNIX_EPOCH};

use leveret_sqs::http::Request;
use leveret_sqs::sigv4::{RequestSigner, Signature};

use crate::http::HttpConnection;
use crate::load::door::DoorError;
use crate::load::door::text::push;

/// The headers that are signed, beside the date.
const SIGNED: [&str; 3] = ["content-type", "host", "x-amz-target"];

/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

/// A connection that asks, signs if it has somebody to sign for it, and waits for the answer.
pub(super) struct Caller {
    connection: HttpConnection,
    signer: Option<RequestSigner>,
    /// The last signed request; its memory is used for the next.
    signed: Vec<u8>,
}

impl Caller {
    /// A connection to that address, not open yet.
    pub(super) fn new(address: SocketAddr, signer: Option<RequestSigner>) -> Self {
        Self { connection: HttpConnection::new(address), signer, signed: Vec::new() }
    }

    /// Sends a request of [`crate::sqs::Requests`] and returns the answer.
    ///
    /// # Errors
    /// [`DoorError::Denied`] if the server does not accept who asks, [`DoorError::Refused`] for any other answer than
    /// the one that is wanted, of a batch for any of its entries.
    pub(super) fn call(&mut self, request: &[u8]) -> Result<&str, DoorError> {
        let request = match &mut self.signer {
            None => request,
            Some(signer) => {
                sign(signer, request, now_ms(), &mut self.signed);
                &self.signed
            }
        };
        let response = self.connection.call(request).map_err(DoorError::Http)?;
        let body = str::from_utf8(response.body).map_err(|_| DoorError::Misread("text"))?;
        match response.status {
            // An entry of a batch that failed says whose fault it was.
            200 if !body.contains("\"SenderFault\"") => Ok(body),
            403 => Err(DoorError::Denied { answer: body.to_owned() }),
            status => Err(DoorError::Refused { status, answer: body.to_owned() }),
        }
    }
}

/// Writes the request with a signature of this moment to `out`, in place of what was there.
fn sign(signer: &mut RequestSigner, request: &[u8], now_ms: u64, out: &mut Vec<u8>) {
    let end = request.windows(END.len()).position(|window| window == END);
    let (head, body) = request.split_at(end.expect("every request has a head, and an empty line behind it"));
    let text = str::from_utf8(head).expect("every request is made of text");
    let headers = SIGNED.map(|name| (name, value(text, name).as_bytes()));
    let request =
        Request { method: "POST", path: "/", query: "", headers: &headers, body: &body[END.len()..] };
    let Signature { date, authorization } = signer.sign(&request, now_ms);
    out.clear();
    push(out, &[head, b"\r\nX-Amz-Date: ", date.as_bytes()]);
    push(out, &[b"\r\nAuthorization: ", authorization.as_bytes(), body]);
}

/// The value of a header; empty if it is not there.
fn value<'a>(head: &'a str, name: &str) -> &'a str {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    // A clock before the epoch is as wrong as any other that servers refuse.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqs::{Dialect, Requests};
    use leveret_sqs::sigv4::{SigningKeys, verify};

    const NOON_MS: u64 = 1_795_521_600_000;

    /// Verifies a request as it goes over the wire.
    fn is_accepted(request: &[u8], secret: &str) -> bool {
        let text = str::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let headers: Vec<_> = head.lines().filter_map(|line| line.split_once(": ")).collect();
        let names: Vec<_> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        let headers: Vec<_> =
            names.iter().zip(&headers).map(|(name, (_, value))| (name.as_str(), value.as_bytes())).collect();
        let request =
            Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
        let secret_of = |key: &str| (key == "AKID").then_some(secret);
        verify(&request, NOON_MS, secret_of, &SigningKeys::default()).is_ok()
    }

    #[test]
    fn a_server_accepts_what_is_signed() {
        let requests = Requests::new("h:1".to_owned(), Dialect::Sqs, 30).without_signature();
        let requests = requests.of_queue("http://h:1/0/q".to_owned());
        let mut signer = RequestSigner::new("AKID", "a secret", "us-east-1", "sqs");
        let mut signed = Vec::new();
        for request in [requests.send(), requests.receive(10), requests.create_fifo_queue("q.fifo")] {
            sign(&mut signer, &request, NOON_MS, &mut signed);
            assert!(is_accepted(&signed, "a secret"), "{}", String::from_utf8_lossy(&signed));
            assert!(!is_accepted(&signed, "another secret"));
        }
    }
}
