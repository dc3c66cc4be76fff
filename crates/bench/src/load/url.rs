//! Which broker is measured, and as whom: a URL, and the access key that may be given beside it.

use std::fmt;
use std::net::SocketAddr;

use leveret_sqs::sigv4::RequestSigner;

use super::door::{Amqp, Beanstalkd, Door, Nats, Sqs};
use crate::client::{Endpoint, UrlError, decoded, resolve};

/// The port of SQS where none is named.
const SQS_PORT: u16 = 9324;
/// The port of beanstalkd where none is named.
const BEANSTALKD_PORT: u16 = 11_300;
/// The port of NATS where none is named.
const NATS_PORT: u16 = 4222;
/// The port that HTTP clients leave out of the header `Host`.
const HTTP_PORT: &str = ":80";
/// The service that requests are signed for.
const SERVICE: &str = "sqs";

/// A URL that was understood.
pub(super) enum Url {
    /// A broker of AMQP.
    Amqp(Endpoint),
    /// A server of SQS.
    Sqs(Box<Sqs>),
    /// A beanstalkd.
    Beanstalkd(SocketAddr),
    /// A NATS server.
    Nats(Nats),
}

/// What requests of SQS are signed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccessKey<'a> {
    /// Id and secret, unless the URL has them.
    pub(super) key: Option<(&'a str, &'a str)>,
    /// The region.
    pub(super) region: &'a str,
}

impl Url {
    /// Reads `amqp://user:password@host:port/vhost`, `beanstalk://host:port`, `nats://user:password@host:port` or
    /// `http://KEY:SECRET@host:port`; the key may also be given beside it.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub(super) fn parse(text: &str, given: AccessKey<'_>) -> Result<Self, UrlError> {
        if let Some(scheme) = ["https", "amqps", "tls"].into_iter().find(|scheme| has_scheme(text, scheme)) {
            return Err(UrlError::Encrypted { scheme });
        }
        if let Some(rest) = text.strip_prefix("http://") {
            return sqs(rest, given).map(|server| Self::Sqs(Box::new(server)));
        }
        if given.key.is_some() {
            return Err(UrlError::KeyWithoutSqs);
        }
        if let Some(rest) = text.strip_prefix("nats://") {
            return nats(rest).map(Self::Nats);
        }
        match text.strip_prefix("beanstalk://") {
            Some(place) => resolve(place.trim_end_matches('/'), BEANSTALKD_PORT).map(Self::Beanstalkd),
            None => Endpoint::parse(text).map(Self::Amqp),
        }
    }

    /// The protocol at that place.
    pub(super) fn door(&self) -> Box<dyn Door> {
        match self {
            Self::Amqp(endpoint) => Box::new(Amqp(endpoint.clone())),
            Self::Sqs(server) => server.clone(),
            Self::Beanstalkd(address) => Box::new(Beanstalkd(*address)),
            Self::Nats(server) => Box::new(server.clone()),
        }
    }
}

impl fmt::Display for Url {
    /// Without the password or the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amqp(Endpoint { address, user, vhost, .. }) => {
                write!(f, "amqp://{user}@{address}/{}", vhost.replace('/', "%2f"))
            }
            Self::Sqs(server) => write!(f, "http://{}", server.host),
            Self::Beanstalkd(address) => write!(f, "beanstalk://{address}"),
            Self::Nats(Nats { address, login: None }) => write!(f, "nats://{address}"),
            Self::Nats(Nats { address, login: Some((user, _)) }) => write!(f, "nats://{user}@{address}"),
        }
    }
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://"))
}

/// What stands behind `http://`. Secrets of access keys have slashes, which need not be encoded: the place begins
/// behind the last `@`.
fn sqs(rest: &str, given: AccessKey<'_>) -> Result<Sqs, UrlError> {
    let (login, place) = login_and_place(rest);
    let signer = match (login, given.key) {
        (None, None) => None,
        (Some(_), Some(_)) => return Err(UrlError::KeyTwice),
        (None, Some((key, secret))) => Some(RequestSigner::new(key, secret, given.region, SERVICE)),
        (Some(login), None) => {
            let (key, secret) = decoded_pair(login, UrlError::NoSecret)?;
            Some(RequestSigner::new(&key, &secret, given.region, SERVICE))
        }
    };
    let address = resolve(place, SQS_PORT)?;
    let host = match place.strip_suffix(HTTP_PORT) {
        // AWS's servers answer to their names alone.
        Some(name) => name.to_owned(),
        None => address.to_string(),
    };
    Ok(Sqs { address, host, signer })
}

/// What stands behind `nats://`.
fn nats(rest: &str) -> Result<Nats, UrlError> {
    let (login, place) = login_and_place(rest);
    let login = login.map(|login| decoded_pair(login, UrlError::NoPassword)).transpose()?;
    Ok(Nats { address: resolve(place, NATS_PORT)?, login })
}

/// What stands before the last `@`, if there is one, and behind it.
fn login_and_place(rest: &str) -> (Option<&str>, &str) {
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    (login, place.trim_end_matches('/'))
}

/// Both parts of `name:secret`; `half` is the error for a name alone.
fn decoded_pair(login: &str, half: UrlError) -> Result<(String, String), UrlError> {
    let (name, secret) = login.split_once(':').ok_or(half)?;
    Ok((decoded(name)?, decoded(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_KEY: AccessKey<'_> = AccessKey { key: None, region: "us-east-1" };

    fn server(text: &str, given: AccessKey<'_>) -> Sqs {
        match Url::parse(text, given).unwrap() {
            Url::Sqs(server) => *server,
            _ => panic!("{text} is of SQS"),
        }
    }

    #[test]
    fn an_access_key_stands_in_the_url_or_beside_it() {
        let signer = |server: &Sqs| format!("{:?}", server.signer);
        let bare = server("http://127.0.0.1/", NO_KEY);
        assert_eq!((bare.address.port(), bare.host.as_str()), (9324, "127.0.0.1:9324"));
        assert!(bare.signer.is_none());
        let within = server("http://AKID:se/c+r@et%2f@127.0.0.1:99", NO_KEY);
        let beside = server("http://127.0.0.1:99", AccessKey { key: Some(("AKID", "se/c+r@et/")), ..NO_KEY });
        assert!(within.signer.is_some());
        assert_eq!(signer(&within), signer(&beside));
        assert_eq!(Url::Sqs(Box::new(within)).to_string(), "http://127.0.0.1:99", "a report shows no key");
        assert_eq!(server("http://127.0.0.1:80", NO_KEY).host, "127.0.0.1");
    }

    #[test]
    fn a_url_is_shown_as_it_can_be_given() {
        for (given, shown) in [
            ("beanstalk://127.0.0.1", "beanstalk://127.0.0.1:11300"),
            ("nats://127.0.0.1/", "nats://127.0.0.1:4222"),
            ("nats://me:se%40cret@127.0.0.1:99", "nats://me@127.0.0.1:99"),
            ("amqp://me:secret@127.0.0.1/%2forders", "amqp://me@127.0.0.1:5672/%2forders"),
        ] {
            assert_eq!(Url::parse(given, NO_KEY).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused() {
        let refusal = |text: &str, given| match Url::parse(text, given) {
            Ok(url) => panic!("{url}"),
            Err(error) => error,
        };
        let key = AccessKey { key: Some(("AKID", "secret")), ..NO_KEY };
        assert!(matches!(refusal("https://h", NO_KEY), UrlError::Encrypted { scheme: "https" }));
        assert!(matches!(refusal("amqps://h", NO_KEY), UrlError::Encrypted { scheme: "amqps" }));
        assert!(matches!(refusal("http://AKID@127.0.0.1", NO_KEY), UrlError::NoSecret));
        assert!(matches!(refusal("http://AKID:secret@127.0.0.1", key), UrlError::KeyTwice));
        assert!(matches!(refusal("amqp://127.0.0.1", key), UrlError::KeyWithoutSqs));
        assert!(matches!(refusal("nats://127.0.0.1", key), UrlError::KeyWithoutSqs));
        assert!(matches!(refusal("nats://token@127.0.0.1", NO_KEY), UrlError::NoPassword));
        assert!(matches!(refusal("tls://127.0.0.1", NO_KEY), UrlError::Encrypted { scheme: "tls" }));
        assert!(matches!(refusal("kafka://127.0.0.1", NO_KEY), UrlError::Scheme));
    }
}
