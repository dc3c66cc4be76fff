//! Who sends a request, and what that user may do.

use crate::door::{Circumstances, DoorSettings};
use crate::http::Request;
use crate::protocol::{ApiError, Code};
use leveret_core::broker::Access;
use leveret_core::catalog::Caller;
use std::sync::Arc;

/// Who sends a request.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The user; `None` is somebody on this machine who showed no key that is known, while nobody has one.
    pub(crate) user: Option<Arc<str>>,
    /// The vhost it works in.
    pub(crate) vhost: Arc<str>,
    /// The account in ARNs and URLs.
    pub(crate) account: Box<str>,
    /// The region in ARNs.
    pub(crate) region: Box<str>,
}

impl Identity {
    /// The user in the eyes of the catalog.
    pub(crate) fn caller(&self) -> Caller<'_> {
        self.user.as_deref().map_or(Caller::BROKER, Caller::user)
    }

    /// The user's name, for messages and ARNs.
    pub(crate) fn name(&self) -> &str {
        self.user.as_deref().unwrap_or("guest")
    }
}

/// Finds out who sends a request.
///
/// # Errors
/// AWS's error for a request that is not signed, or wrongly, where it has to be.
pub(crate) fn identify<A: Access>(
    settings: &DoorSettings,
    access: &A,
    request: &Request<'_>,
    circumstances: Circumstances<'_>,
) -> Result<Identity, ApiError> {
    if !circumstances.loopback {
        return Err(ApiError::new(Code::MISSING_TOKEN, "Request is missing Authentication Token"));
    }
    let scope = credential(request);
    let region = scope.and_then(|scope| scope.1).filter(|region| !region.is_empty());
    let (vhost, account) = place(settings, access, scope.map(|scope| scope.0));
    Ok(Identity { user: None, vhost, account, region: region.unwrap_or(&settings.region).into() })
}

/// The access key and the region that a request names: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn credential<'a>(request: &Request<'a>) -> Option<(&'a str, Option<&'a str>)> {
    let credential = request.header("authorization")?.split_once("Credential=")?.1.split(',').next()?;
    let mut parts = credential.split('/');
    let key = parts.next()?;
    Some((key, parts.nth(1)))
}

/// An access key of twelve digits is an account of its own, if there is a vhost of that name: a convention of those
/// who test with many accounts.
fn place<A: Access>(settings: &DoorSettings, access: &A, key: Option<&str>) -> (Arc<str>, Box<str>) {
    let is_account = |key: &&str| key.len() == 12 && key.bytes().all(|digit| digit.is_ascii_digit());
    match key.filter(is_account).and_then(|key| access.catalog().vhost(key)) {
        Some(vhost) => (vhost.name.clone(), (*vhost.name).into()),
        None => (settings.vhost.clone(), settings.account.clone()),
    }
}
