//! Where a broker is, and as whom a client comes.

use std::net::{SocketAddr, ToSocketAddrs};
use std::{fmt, io};

/// The port of AMQP 0-9-1 where none is named.
const PORT: u16 = 5672;

/// An address of AMQP with the login and the vhost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where the broker listens.
    pub address: SocketAddr,
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The virtual host.
    pub vhost: String,
}

impl Endpoint {
    /// The user guest, at the vhost `/`.
    pub fn guest(address: SocketAddr) -> Self {
        let guest = || "guest".to_owned();
        Self { address, user: guest(), password: guest(), vhost: "/".to_owned() }
    }

    /// Reads `amqp://user:password@host:port/vhost`, as RabbitMQ's URI specification has it: every part but the
    /// host may be left out, and is then guest, guest, 5672 and `/`. Parts are percent-encoded.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let rest = url.strip_prefix("amqp://").ok_or(UrlError::Scheme)?;
        let (authority, vhost) = match rest.split_once('/') {
            // By the letter, `host/` names the vhost with an empty name, which nobody has or means.
            Some((authority, vhost)) if !vhost.is_empty() => (authority, decoded(vhost)?),
            Some((authority, _)) => (authority, "/".to_owned()),
            None => (rest, "/".to_owned()),
        };
        let (login, place) = authority.rsplit_once('@').unwrap_or(("guest:guest", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, "guest"));
        let (user, password) = (decoded(user)?, decoded(password)?);
        Ok(Self { address: resolve(place, PORT)?, user, password, vhost })
    }
}

/// The first address of `host`, `host:port` or `[v6]:port`.
///
/// # Errors
/// [`UrlError::Host`] if it has none.
pub fn resolve(place: &str, default_port: u16) -> Result<SocketAddr, UrlError> {
    let has_port = place.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let place = if has_port { place.to_owned() } else { format!("{place}:{default_port}") };
    let addresses = place.to_socket_addrs();
    let mut addresses = addresses.map_err(|error| UrlError::Host { place: place.clone(), error })?;
    let none = || io::Error::new(io::ErrorKind::NotFound, "it has no address");
    addresses.next().ok_or_else(|| UrlError::Host { place, error: none() })
}

/// Replaces `%2f` and its like by the bytes that they stand for.
///
/// # Errors
/// [`UrlError::Encoding`].
pub(crate) fn decoded(text: &str) -> Result<String, UrlError> {
    let malformed = || UrlError::Encoding(text.to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits =
            rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(malformed)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| malformed())?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

/// A URL that names no broker.
#[derive(Debug)]
pub enum UrlError {
    /// It does not begin with a scheme that is spoken here.
    Scheme,
    /// It asks for TLS.
    Encrypted {
        /// The scheme.
        scheme: &'static str,
    },
    /// An access key has no secret.
    NoSecret,
    /// A user of NATS has no password.
    NoPassword,
    /// An access key stands in the URL and beside it.
    KeyTwice,
    /// An access key is given for another protocol than SQS.
    KeyWithoutSqs,
    /// The host is unknown, or the port is no port.
    Host {
        /// Host and port.
        place: String,
        /// The resolver's answer.
        error: io::Error,
    },
    /// A percent sign is not followed by two hexadecimal digits, or the result is not UTF-8.
    Encoding(String),
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str(
                "a URL is amqp://user:password@host:port/vhost, http://host:port or \
                 http://KEY:SECRET@host:port for SQS, beanstalk://host:port, or nats://user:password@host:port",
            ),
            Self::Encrypted { scheme } => write!(
                f,
                "{scheme}:// cannot be used: the load is put on without TLS, so give the port without TLS, or one \
                 of a proxy that adds it"
            ),
            Self::NoSecret => f.write_str(
                "an access key has a secret: http://KEY:SECRET@host:port, or --access-key and --secret-key",
            ),
            Self::NoPassword => f.write_str(
                "a user of NATS has a password: nats://user:password@host:port; tokens are not spoken here",
            ),
            Self::KeyTwice => f.write_str("the access key stands in the URL and beside it: give it once"),
            Self::KeyWithoutSqs => f.write_str("an access key is for SQS, whose URL is http://host:port"),
            Self::Host { place, error } => write!(f, "{place} has no address: {error}"),
            Self::Encoding(text) => write!(f, "{text:?} is not percent-encoded text"),
        }
    }
}

impl std::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_url_may_be_left_out() {
        let address = |text: &str| text.parse().unwrap();
        let bare = Endpoint::parse("amqp://127.0.0.1").unwrap();
        assert_eq!(bare, Endpoint::guest(address("127.0.0.1:5672")));
        let full = Endpoint::parse("amqp://me:p%40ss@127.0.0.1:99/%2forders").unwrap();
        assert_eq!(full.address, address("127.0.0.1:99"));
        assert_eq!((full.user.as_str(), full.password.as_str()), ("me", "p@ss"));
        assert_eq!(full.vhost, "/orders");
        assert_eq!(Endpoint::parse("amqp://[::1]/").unwrap().address, address("[::1]:5672"));
        assert_eq!(Endpoint::parse("amqp://[::1]:7/").unwrap().vhost, "/");
    }

    #[test]
    fn what_is_no_url_is_said() {
        assert!(matches!(Endpoint::parse("amqps://h"), Err(UrlError::Scheme)));
        assert!(matches!(Endpoint::parse("amqp://h:port/"), Err(UrlError::Host { .. })));
        assert!(matches!(Endpoint::parse("amqp://127.0.0.1/%z"), Err(UrlError::Encoding(_))));
    }
}
