//! The PROXY protocol: a proxy in front of the broker says first for whom it has connected.
//!
//! [`header`] knows the bytes; here they are read from a socket, as many as the header has and no more, so that what
//! follows (TLS, or AMQP) finds the socket as if there had been no header.

mod header;

use header::{Header, HeaderError, parse};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Why a connection has no header that could be used.
#[derive(Debug)]
pub(super) enum ProxyError {
    /// What comes is none.
    Header(HeaderError),
    /// The connection ended before it was whole.
    Ended {
        /// So many bytes had come; 0 is what a look at an open port leaves.
        bytes: usize,
    },
    /// It did not come in time.
    TooSlow,
    /// The socket cannot be read.
    Socket(io::Error),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyError::Header(error) => error.fmt(f),
            ProxyError::Ended { bytes } => write!(f, "the connection ended after {bytes} bytes of it"),
            ProxyError::TooSlow => f.write_str("it did not come in time"),
            ProxyError::Socket(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ProxyError {}

/// Reads the header of a connection. Answers the address of the client that it names, if it names one; the socket's own
/// is right otherwise.
///
/// # Errors
/// See [`ProxyError`]; the connection is of no use then.
pub(super) async fn read_header(
    socket: &mut (impl AsyncRead + Unpin),
    patience: Duration,
) -> Result<Option<SocketAddr>, ProxyError> {
    match tokio::time::timeout(patience, read_whole(socket)).await {
        Ok(read) => read,
        Err(_) => Err(ProxyError::TooSlow),
    }
}

async fn read_whole(socket: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, ProxyError> {
    let mut bytes = Vec::new();
    loop {
        let missing = match parse(&bytes).map_err(ProxyError::Header)? {
            Header::Whole { client } => return Ok(client),
            Header::Missing { bytes } => bytes,
        };
        let before = bytes.len();
        let count = socket.take(missing as u64).read_buf(&mut bytes).await.map_err(ProxyError::Socket)?;
        if count == 0 {
            return Err(ProxyError::Ended { bytes: before });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn what_follows_the_header_stays_in_the_socket() {
        let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x03".to_vec();
        v2.extend([4, 0, 0]);
        for (header, client) in [
            (
                b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 5672\r\n".to_vec(),
                Some("192.0.2.7:4000".parse().unwrap()),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (v2, None),
        ] {
            // One byte at a time, and all at once.
            for room in [1, 1024] {
                let (mut near, mut far) = tokio::io::duplex(room);
                let sent = [&header[..], b"AMQP"].concat();
                let writing = tokio::spawn(async move { far.write_all(&sent).await });
                assert_eq!(read_header(&mut near, Duration::from_secs(10)).await.unwrap(), client);
                let mut rest = Vec::new();
                near.read_to_end(&mut rest).await.unwrap();
                assert_eq!(rest, b"AMQP");
                writing.await.unwrap().unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_header_that_does_not_come_is_not_awaited_for_ever() {
        let (mut near, mut far) = tokio::io::duplex(64);
        far.write_all(b"PROXY TCP4 ").await.unwrap();
        let read = read_header(&mut near, Duration::from_millis(10)).await;
        assert!(matches!(read, Err(ProxyError::TooSlow)));
        let (mut near, mut far) = tokio::io::duplex(64);
        far.write_all(b"PROXY").await.unwrap();
        drop(far);
        let read = read_header(&mut near, Duration::from_secs(10)).await;
        assert!(matches!(read, Err(ProxyError::Ended { bytes: 5 })));
        let (mut near, mut far) = tokio::io::duplex(64);
        far.write_all(b"AMQP\0\0\x09\x01").await.unwrap();
        let read = read_header(&mut near, Duration::from_secs(10)).await;
        assert!(matches!(read, Err(ProxyError::Header(HeaderError::Absent))));
    }
}
