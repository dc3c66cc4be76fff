//! Who sends a request, and what that user may do.

use crate::door::{Circumstances, DoorSettings};
use crate::http::Request;
use crate::protocol::{ApiError, Code, Service};
use crate::sigv4::{self, SignatureError, parse_credential};
use leveret_core::Refusal;
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

/// Finds out who sends a request. On this machine, and as long as nobody has an access key, everything is accepted;
/// otherwise a request must be signed with the secret of a key that is known.
///
/// # Errors
/// AWS's error for a request that is not signed, or wrongly, or for another service than `asked`, where it has to be.
pub(crate) fn identify<A: Access>(
    settings: &DoorSettings,
    access: &A,
    request: &Request<'_>,
    asked: Service,
    circumstances: Circumstances<'_>,
) -> Result<Identity, ApiError> {
    let catalog = access.catalog();
    if circumstances.loopback && catalog.access_keys().next().is_none() {
        return Ok(anybody(settings, access, request));
    }
    let secret_of = |id: &str| catalog.access_key(id).map(|key| key.secret.clone());
    let verified = sigv4::verify(request, circumstances.wall_ms, secret_of, &settings.signing_keys)?;
    if *verified.service != *asked.signing_name() {
        return Err(SignatureError::OtherService { asked: asked.signing_name() }.into());
    }
    // The key was there a moment ago, under the same guard.
    let key = catalog.access_key(&verified.access_key).ok_or(SignatureError::UnknownKey)?;
    let denied = |refusal: Refusal| ApiError::new(Code::ACCESS_DENIED, refusal.text);
    catalog.may_enter(&key.user, &settings.vhost).map_err(denied)?;
    Ok(Identity {
        user: Some(key.user.clone()),
        vhost: settings.vhost.clone(),
        account: settings.account.clone(),
        region: verified.region,
    })
}

/// Somebody on this machine, who may do everything. Its request says where: an access key of twelve digits is an
/// account of its own, if there is a vhost of that name, a convention of those who test with many accounts.
fn anybody<A: Access>(settings: &DoorSettings, access: &A, request: &Request<'_>) -> Identity {
    let credential = request.header("authorization").and_then(parse_credential);
    let region = credential.as_ref().map(|credential| credential.region).filter(|region| !region.is_empty());
    let is_account = |key: &&str| key.len() == 12 && key.bytes().all(|digit| digit.is_ascii_digit());
    let key = credential.as_ref().map(|credential| credential.access_key).filter(is_account);
    let (vhost, account) = match key.and_then(|key| access.catalog().vhost(key)) {
        Some(vhost) => (vhost.name.clone(), (*vhost.name).into()),
        None => (settings.vhost.clone(), settings.account.clone()),
    };
    Identity { user: None, vhost, account, region: region.unwrap_or(&settings.region).into() }
}
