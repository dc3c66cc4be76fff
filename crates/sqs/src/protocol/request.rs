//! From an HTTP request to a call: which protocol, service and action, and the parameters.

use super::form::{pairs, percent_decoded};
use super::{ApiError, Code, Params, Protocol, Service};
use crate::http::Request;

/// A request, understood.
#[derive(Debug)]
pub struct Call {
    /// The protocol, in which the answer goes back.
    pub protocol: Protocol,
    /// The service.
    pub service: Service,
    /// The action, such as `SendMessage`.
    pub action: String,
    /// Its parameters.
    pub params: Params,
    /// The queue that the URL's path names.
    pub path_queue: Option<String>,
}

/// A request that is not understood, and in which protocol to say so.
#[derive(Debug)]
pub struct Malformed {
    /// The protocol of the answer.
    pub protocol: Protocol,
    /// The service that was most likely meant.
    pub service: Service,
    /// What is wrong.
    pub error: ApiError,
}

const SNS_VERSION: &str = "2010-03-31";
const STS_VERSION: &str = "2011-06-15";

/// Understands a request.
///
/// # Errors
/// [`Malformed`] for one that is neither protocol's, or not whole.
pub fn parse(request: &Request<'_>) -> Result<Call, Malformed> {
    match request.header("x-amz-target") {
        Some(target) => json(request, target),
        None => query(request),
    }
}

fn json(request: &Request<'_>, target: &str) -> Result<Call, Malformed> {
    let wrong = |service, code, text: &'static str| Malformed {
        protocol: Protocol::Json,
        service,
        error: ApiError::new(code, text),
    };
    let (service, action) = match target.split_once('.') {
        Some(("AmazonSQS", action)) => (Service::Sqs, action),
        Some(("AmazonSNS" | "AmazonSimpleNotificationService", action)) => (Service::Sns, action),
        _ => {
            return Err(wrong(
                Service::Sqs,
                Code::UNKNOWN_OPERATION,
                "The target of the request is unknown.",
            ));
        }
    };
    let value = if request.body.is_empty() {
        Ok(serde_json::Map::new())
    } else {
        serde_json::from_slice(request.body)
    };
    let fields = value.map_err(|_| {
        wrong(service, Code::SERIALIZATION, "The body of the request is not a JSON object in UTF-8.")
    })?;
    Ok(Call {
        protocol: Protocol::Json,
        service,
        action: action.to_owned(),
        params: Params::json(fields),
        path_queue: path_queue(request.path),
    })
}

fn query(request: &Request<'_>) -> Result<Call, Malformed> {
    let service = scoped_service(request).unwrap_or(Service::Sqs);
    let wrong = |code, text: &'static str| Malformed {
        protocol: Protocol::Query,
        service,
        error: ApiError::new(code, text),
    };
    let malformed = || wrong(Code::SERIALIZATION, "The query string or form of the request is malformed.");
    let mut fields = pairs(request.query).ok_or_else(malformed)?;
    if !request.body.is_empty() {
        let body = std::str::from_utf8(request.body).map_err(|_| malformed())?;
        fields.extend(pairs(body).ok_or_else(malformed)?);
    }
    let find = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let Some(action) = find("Action") else {
        return Err(wrong(Code::UNKNOWN_OPERATION, "The action of the request is missing."));
    };
    let service = match find("Version").as_deref() {
        Some(SNS_VERSION) => Service::Sns,
        Some(STS_VERSION) => Service::Sts,
        _ if action == "GetCallerIdentity" => Service::Sts,
        _ => service,
    };
    let path_queue = path_queue(request.path);
    Ok(Call { protocol: Protocol::Query, service, action, params: Params::form(fields), path_queue })
}

/// The service that the request is signed for: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn scoped_service(request: &Request<'_>) -> Option<Service> {
    let authorization = request.header("authorization")?;
    let credential = authorization.split_once("Credential=")?.1;
    match credential.split(',').next()?.split('/').nth(3)? {
        "sns" => Some(Service::Sns),
        "sts" => Some(Service::Sts),
        "sqs" => Some(Service::Sqs),
        _ => None,
    }
}

/// `/ACCOUNT/NAME`, `/queue/NAME` and `/NAME` name a queue, `/` does not.
fn path_queue(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    percent_decoded(name).map(std::borrow::Cow::into_owned)
}
