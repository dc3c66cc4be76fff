//! A client of HTTP/1.1 with keep-alive over a blocking socket: one request, one response, as little of its own as can
//! be. It sends what it is given, and reads no more of a response than its status, its length and its body.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::{fmt, str};

use crate::client::SILENCE;

/// Bytes of a head and a body together, at most.
const RESPONSE_BYTES: usize = 16 << 20;
/// Bytes that are read at once, at least.
const READ_BYTES: usize = 16 << 10;

/// A connection to an HTTP server. It connects when it first has to, and again if the server closes it after a
/// response, as HTTP/1.0 servers do.
pub struct HttpConnection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    /// What was read of the response; its memory is used for the next.
    input: Vec<u8>,
}

/// A response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HttpResponse<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl HttpConnection {
    /// A connection to that address, not open yet.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, input: Vec::new() }
    }

    /// Sends a request, head and body, and waits for the response.
    ///
    /// # Errors
    /// [`HttpError`]. The connection may be used again: it connects anew.
    pub fn call(&mut self, request: &[u8]) -> Result<HttpResponse<'_>, HttpError> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        stream.write_all(request)?;
        let (head, head_bytes) = self.read_head(&mut stream)?;
        let end = head_bytes + head.body_bytes;
        while self.input.len() < end {
            read_more(&mut stream, &mut self.input)?;
        }
        if self.input.len() > end {
            return Err(HttpError::Malformed("more than one response to a request"));
        }
        if head.keeps_alive {
            self.stream = Some(stream);
        }
        Ok(HttpResponse { status: head.status, body: &self.input[head_bytes..] })
    }

    fn read_head(&mut self, stream: &mut TcpStream) -> Result<(Head, usize), HttpError> {
        const END: &[u8] = b"\r\n\r\n";
        self.input.clear();
        let mut searched = 0;
        loop {
            read_more(stream, &mut self.input)?;
            let found = self.input[searched..].windows(END.len()).position(|window| window == END);
            if let Some(at) = found {
                let end = searched + at + END.len();
                return Ok((Head::parse(&self.input[..end])?, end));
            }
            // The end may lie across two reads.
            searched = self.input.len().saturating_sub(END.len() - 1);
        }
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream, HttpError> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    Ok(stream)
}

/// Reads what is there, behind what was read before.
fn read_more(stream: &mut TcpStream, input: &mut Vec<u8>) -> Result<(), HttpError> {
    let before = input.len();
    if before > RESPONSE_BYTES {
        return Err(HttpError::TooLong);
    }
    input.resize(before + READ_BYTES, 0);
    let read = stream.read(&mut input[before..]);
    input.truncate(before + *read.as_ref().unwrap_or(&0));
    match read? {
        0 => Err(HttpError::EndOfStream),
        _ => Ok(()),
    }
}

/// What matters of the head of a response.
#[derive(PartialEq, Eq, Debug)]
struct Head {
    status: u16,
    body_bytes: usize,
    keeps_alive: bool,
}

impl Head {
    fn parse(head: &[u8]) -> Result<Self, HttpError> {
        let text = str::from_utf8(head).map_err(|_| HttpError::Malformed("a head that is not text"))?;
        let mut lines = text.split("\r\n");
        let (version, rest) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
        let status = rest.get(..3).and_then(|status| status.parse().ok());
        let status = status.ok_or(HttpError::Malformed("no status"))?;
        let mut keeps_alive = version == "HTTP/1.1";
        let mut body_bytes = None;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                body_bytes = value.trim().parse().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                keeps_alive = !value.trim().eq_ignore_ascii_case("close");
            }
        }
        let body_bytes = body_bytes.ok_or(HttpError::Malformed("no content-length"))?;
        Ok(Self { status, body_bytes, keeps_alive })
    }
}

/// Why there is no response.
#[derive(Debug)]
pub enum HttpError {
    /// The socket failed, or the server said nothing for the length of a timeout.
    Io(io::Error),
    /// The server closed the connection in the middle.
    EndOfStream,
    /// The response is not one that this client reads.
    Malformed(&'static str),
    /// The response is longer than 16 MiB.
    TooLong,
}

impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::EndOfStream => f.write_str("the server closed the connection in the middle of a response"),
            Self::Malformed(what) => write!(f, "the response is malformed: {what}"),
            Self::TooLong => write!(f, "the response is longer than {RESPONSE_BYTES} bytes"),
        }
    }
}

impl std::error::Error for HttpError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn a_head_says_how_long_the_body_is_and_whether_the_connection_stays() {
        let parsed = Head::parse(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n").unwrap();
        assert_eq!(parsed, Head { status: 200, body_bytes: 12, keeps_alive: true });
        let parsed =
            Head::parse(b"HTTP/1.1 400 Bad\r\nContent-Length:0\r\nConnection: Close\r\n\r\n").unwrap();
        assert_eq!(parsed, Head { status: 400, body_bytes: 0, keeps_alive: false });
        assert!(!Head::parse(b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n").unwrap().keeps_alive);
        assert!(matches!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n"), Err(HttpError::Malformed(_))));
        assert!(matches!(Head::parse(b"220 smtp\r\n\r\n"), Err(HttpError::Malformed(_))));
    }

    #[test]
    fn a_response_may_come_in_pieces_and_a_closed_connection_is_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut first, _) = listener.accept().unwrap();
            let pieces: [&[u8]; 4] = [b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 5\r\n\r", b"\nhe", b"llo"];
            first.read_exact(&mut [0; 3]).unwrap();
            for piece in pieces {
                first.write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
            first.read_exact(&mut [0; 3]).unwrap();
            first.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n1").unwrap();
            drop(first);
            let (mut second, _) = listener.accept().unwrap();
            second.read_exact(&mut [0; 3]).unwrap();
        });
        let mut connection = HttpConnection::new(address);
        assert_eq!(connection.call(b"one").unwrap(), HttpResponse { status: 200, body: b"hello" });
        assert_eq!(connection.call(b"two").unwrap(), HttpResponse { status: 200, body: b"1" });
        assert!(matches!(connection.call(b"end"), Err(HttpError::EndOfStream)));
        server.join().unwrap();
    }
}
