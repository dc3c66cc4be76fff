//! Why a signature is not accepted: the causes, AWS's codes for them and its texts.

use crate::moment::Moment;
use crate::protocol::{ApiError, Code};
use std::fmt;

/// Why a signature is not accepted. `Display` is the text for the client: AWS's, except where no service of AWS has
/// the case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignatureError {
    /// The request is not signed, or in another way than AWS's version 4.
    NotSigned,
    /// It is signed twice: by a header, and in its query.
    SignedTwice,
    /// The header `Authorization` does not have all its parts.
    HeaderLacks {
        /// What is not there, as AWS puts it.
        parts: Vec<&'static str>,
        /// The first word of the header.
        algorithm: Box<str>,
    },
    /// The query does not have all parameters of a presigned URL.
    QueryLacks {
        /// What is not there.
        parameters: Vec<&'static str>,
    },
    /// A part of the header `Authorization` has no equals sign.
    NoPair {
        /// The part.
        part: Box<str>,
    },
    /// It is signed with an algorithm that is not known.
    Algorithm {
        /// The algorithm.
        named: Box<str>,
    },
    /// The date of the signature is not one.
    Date {
        /// What it is.
        given: Box<str>,
    },
    /// `X-Amz-Expires` is not a number of seconds up to a week.
    Lifetime {
        /// What it is.
        given: Box<str>,
    },
    /// The signature is too old.
    Expired(Skew),
    /// The signature is of the future.
    NotYetCurrent(Skew),
    /// A header that must be signed is not.
    Unsigned {
        /// The header's name, as AWS writes it.
        header: &'static str,
    },
    /// The credential is not in five parts.
    Credential {
        /// What it is.
        given: Box<str>,
    },
    /// The credential does not end as it must.
    Terminator {
        /// What it ends with.
        given: Box<str>,
    },
    /// The credential is of another day than the signature.
    OtherDay {
        /// The credential's day.
        given: Box<str>,
        /// The date of the signature, such as `20150830T123600Z`.
        signed_at: String,
    },
    /// It is signed for another service than the one that is asked.
    OtherService {
        /// The one that is asked, as credentials name it.
        asked: &'static str,
    },
    /// There is no access key of that id.
    UnknownKey,
    /// The signature is not the one that the secret gives.
    Mismatch,
}

/// A time that is too far from the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Skew {
    pub(super) signed_at: Moment,
    pub(super) now: Moment,
    /// How far it may be, in seconds.
    pub(super) allowed: u64,
}

impl SignatureError {
    /// The code: its name in the JSON protocol, its name in the Query protocol, and the status. Services of AWS call a
    /// signature that has expired by the name of a wrong one; `RequestExpired` is in their lists and never comes.
    pub fn code(&self) -> Code {
        match self {
            SignatureError::NotSigned => Code::MISSING_TOKEN,
            SignatureError::HeaderLacks { .. }
            | SignatureError::QueryLacks { .. }
            | SignatureError::NoPair { .. }
            | SignatureError::Algorithm { .. }
            | SignatureError::Date { .. }
            | SignatureError::Lifetime { .. }
            | SignatureError::Credential { .. } => Code::INCOMPLETE_SIGNATURE,
            SignatureError::UnknownKey => Code::UNKNOWN_KEY,
            SignatureError::SignedTwice
            | SignatureError::Expired(_)
            | SignatureError::NotYetCurrent(_)
            | SignatureError::Unsigned { .. }
            | SignatureError::Terminator { .. }
            | SignatureError::OtherDay { .. }
            | SignatureError::OtherService { .. }
            | SignatureError::Mismatch => Code::WRONG_SIGNATURE,
        }
    }
}

impl From<SignatureError> for ApiError {
    fn from(error: SignatureError) -> ApiError {
        ApiError::new(error.code(), error.to_string())
    }
}

impl std::error::Error for SignatureError {}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignatureError::NotSigned => f.write_str("Request is missing Authentication Token"),
            SignatureError::SignedTwice => f.write_str(
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
            ),
            SignatureError::HeaderLacks { parts, algorithm } => {
                for part in parts {
                    write!(f, "Authorization header requires {part}. ")?;
                }
                write!(f, "Authorization={algorithm}")
            }
            SignatureError::QueryLacks { parameters } => {
                for parameter in parameters {
                    write!(f, "AWS query-string parameters must include '{parameter}'. ")?;
                }
                f.write_str("Re-examine the query-string parameters.")
            }
            SignatureError::NoPair { part } => {
                write!(f, "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header.")
            }
            SignatureError::Algorithm { named } => {
                write!(f, "Unsupported AWS 'algorithm': '{named}' (only AWS4-HMAC-SHA256 for now).")
            }
            SignatureError::Date { given } => write!(
                f,
                "Date must be in ISO-8601 'basic format'. Got '{given}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ),
            SignatureError::Lifetime { given } => {
                write!(f, "X-Amz-Expires must be a number of seconds from 1 to 604800. Got '{given}'.")
            }
            SignatureError::Expired(Skew { signed_at, now, allowed }) => write!(
                f,
                "Signature expired: {signed_at} is now earlier than {} ({now} - {}.)",
                now.before(*allowed),
                Length(*allowed)
            ),
            SignatureError::NotYetCurrent(Skew { signed_at, now, allowed }) => write!(
                f,
                "Signature not yet current: {signed_at} is still later than {} ({now} + {}.)",
                now.after(*allowed),
                Length(*allowed)
            ),
            SignatureError::Unsigned { header } => {
                write!(f, "'{header}' must be a 'SignedHeader' in the AWS Authorization.")
            }
            SignatureError::Credential { given } => write!(
                f,
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
                 got '{given}'"
            ),
            SignatureError::Terminator { given } => write!(
                f,
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{given}'."
            ),
            SignatureError::OtherDay { given, signed_at } => write!(
                f,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{given}' != '{}', from '{signed_at}'.",
                signed_at.split('T').next().unwrap_or_default()
            ),
            SignatureError::OtherService { asked } => {
                write!(f, "Credential should be scoped to correct service: '{asked}'.")
            }
            SignatureError::UnknownKey => {
                f.write_str("The security token included in the request is invalid.")
            }
            SignatureError::Mismatch => f.write_str(
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details.",
            ),
        }
    }
}

/// A length of time in seconds, as AWS writes it: `15 min`.
struct Length(u64);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 60 {
            0 => write!(f, "{} min", self.0 / 60),
            _ => write!(f, "{} sec", self.0),
        }
    }
}
