//! The bytes of a PROXY protocol header, of version 1 (a line of text) and 2 (binary), by the specification of HAProxy
//! (doc/proxy-protocol.txt, sections 2.1 and 2.2).
//!
//! Only the client's address is taken from it. The additions to a header of version 2 (TLVs, a checksum among them) are
//! passed over, as the specification allows.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the bytes so far are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Header {
    /// The front of a header.
    Missing {
        /// At least so many bytes are still to come. Whoever reads no more than that reads nothing behind the header.
        bytes: usize,
    },
    /// A whole header.
    Whole {
        /// The client that it names. A proxy that speaks for itself (LOCAL), or does not know for whom (UNKNOWN), or
        /// for whom no IP address speaks, names none.
        client: Option<SocketAddr>,
    },
}

/// Why the bytes are no header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::net) enum HeaderError {
    /// They begin like neither version.
    Absent,
    /// A line that does not end, or not as it must.
    LineEnd,
    /// A line that does not say what it must.
    Line,
    /// A binary header of another version.
    Version(u8),
    /// A command that is none.
    Command(u8),
    /// A protocol and family that are none.
    Family(u8),
    /// Less bytes than its addresses need.
    TooShort(usize),
    /// More bytes than any header needs.
    TooLong(usize),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::Absent => f.write_str("the connection begins with something else"),
            HeaderError::LineEnd => write!(f, "its line does not end with CR LF within {LINE_BYTES} bytes"),
            HeaderError::Line => f.write_str("its line is malformed"),
            HeaderError::Version(version) => write!(f, "its version is {version}"),
            HeaderError::Command(command) => write!(f, "there is no command {command}"),
            HeaderError::Family(family) => write!(f, "there is no protocol and family {family:#04x}"),
            HeaderError::TooShort(bytes) => write!(f, "{bytes} bytes are too short for its addresses"),
            HeaderError::TooLong(bytes) => write!(f, "{bytes} bytes are more than {BINARY_BYTES}"),
        }
    }
}

impl std::error::Error for HeaderError {}

/// How version 1 begins.
const LINE: &[u8] = b"PROXY ";
/// How version 2 begins.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The shortest line: `PROXY UNKNOWN` and its end.
const SHORTEST_LINE: usize = 15;
/// The longest line, with its end.
const LINE_BYTES: usize = 107;
/// The part of a binary header that every one has: signature, version and command, family, length.
const FIXED_BYTES: usize = 16;
/// The longest binary header, with its additions: as much as any client may say before it has logged in. A proxy that
/// adds the client's certificate needs most of it.
const BINARY_BYTES: usize = 8 << 10;

/// Looks at all bytes that have come until now.
///
/// # Errors
/// [`HeaderError`] as soon as they cannot become a header any more.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, HeaderError> {
    // As long as there are no bytes, the shorter of the two is asked for.
    if begins(bytes, LINE) {
        line(bytes)
    } else if begins(bytes, SIGNATURE) {
        binary(bytes)
    } else {
        Err(HeaderError::Absent)
    }
}

/// Whether the bytes begin like `start`, as far as they go.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(byte, expected)| byte == expected)
}

fn line(bytes: &[u8]) -> Result<Header, HeaderError> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        let end = if bytes.last() == Some(&b'\r') { 1 } else { 2 };
        if bytes.len() + end > LINE_BYTES {
            return Err(HeaderError::LineEnd);
        }
        return Ok(Header::Missing { bytes: end.max(SHORTEST_LINE.saturating_sub(bytes.len())) });
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or(HeaderError::LineEnd)?;
    let said = line.strip_prefix(LINE).ok_or(HeaderError::Line)?;
    // Whatever stands behind UNKNOWN means nothing.
    if said.split(|byte| *byte == b' ').next() == Some(b"UNKNOWN") {
        return Ok(Header::Whole { client: None });
    }
    let client = std::str::from_utf8(said).ok().and_then(client_of_line);
    Ok(Header::Whole { client: Some(client.ok_or(HeaderError::Line)?) })
}

/// `TCP4` or `TCP6`, source, destination, source's port and destination's port, with one space between.
fn client_of_line(said: &str) -> Option<SocketAddr> {
    let mut words = said.split(' ');
    let family = words.next()?;
    let (source, destination) = (words.next()?, words.next()?);
    let (source_port, _) = (port(words.next()?)?, port(words.next()?)?);
    let address: IpAddr = match family {
        "TCP4" => {
            destination.parse::<Ipv4Addr>().ok()?;
            source.parse::<Ipv4Addr>().ok()?.into()
        }
        "TCP6" => {
            destination.parse::<Ipv6Addr>().ok()?;
            source.parse::<Ipv6Addr>().ok()?.into()
        }
        _ => return None,
    };
    words.next().is_none().then(|| SocketAddr::new(address, source_port))
}

/// A port, without a sign or leading zeros.
fn port(text: &str) -> Option<u16> {
    let canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| canonical)
}

fn binary(bytes: &[u8]) -> Result<Header, HeaderError> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_BYTES>() else {
        return Ok(Header::Missing { bytes: FIXED_BYTES - bytes.len() });
    };
    let [.., version_and_command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (version, command) = (version_and_command >> 4, version_and_command & 0xf);
    if version != 2 {
        return Err(HeaderError::Version(version));
    }
    if command > 1 {
        return Err(HeaderError::Command(command));
    }
    if FIXED_BYTES + length > BINARY_BYTES {
        return Err(HeaderError::TooLong(FIXED_BYTES + length));
    }
    if rest.len() < length {
        return Ok(Header::Missing { bytes: length - rest.len() });
    }
    // A proxy that speaks for itself (LOCAL) has no client, whatever it says of one.
    let client = if command == 1 { client_of_binary(family, &rest[..length])? } else { None };
    Ok(Header::Whole { client })
}

/// The source address, for TCP over IPv4 and IPv6. The other families and protocols there are name nobody.
fn client_of_binary(family: u8, addresses: &[u8]) -> Result<Option<SocketAddr>, HeaderError> {
    let too_short = HeaderError::TooShort(addresses.len());
    match family {
        0x11 => {
            let ([a, b, c, d, _, _, _, _, high, low, _, _], _) =
                addresses.split_first_chunk().ok_or(too_short)?;
            let port = u16::from_be_bytes([*high, *low]);
            Ok(Some(SocketAddr::new(Ipv4Addr::new(*a, *b, *c, *d).into(), port)))
        }
        0x21 => {
            let (source, behind) = addresses.split_first_chunk::<16>().ok_or(too_short)?;
            let (_destination, ports) = behind.split_first_chunk::<16>().ok_or(too_short)?;
            let ([high, low, _, _], _) = ports.split_first_chunk().ok_or(too_short)?;
            let port = u16::from_be_bytes([*high, *low]);
            Ok(Some(SocketAddr::new(Ipv6Addr::from(*source).into(), port)))
        }
        _ if family >> 4 <= 3 && family & 0xf <= 2 => Ok(None),
        _ => Err(HeaderError::Family(family)),
    }
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
