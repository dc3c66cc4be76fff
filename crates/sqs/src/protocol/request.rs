//! From an HTTP request to a call: which protocol, service and action, and the parameters.

use super::form::{add_pairs, percent_decoded};
use super::json::object;
use super::{ApiError, Code, Params, Protocol, Service};
use crate::http::Request;
use std::borrow::Cow;

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

const SQS_VERSION: &str = "2012-11-05";
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

/// AWS JSON. `X-Amz-Target` names the action; the type of the body does not matter then.
fn json(request: &Request<'_>, target: &str) -> Result<Call, Malformed> {
    let wrong = |service, error| Malformed { protocol: Protocol::Json, service, error };
    let (service, action) = match target.split_once('.') {
        Some(("AmazonSQS", action)) => (Service::Sqs, action),
        Some(("AmazonSNS" | "AmazonSimpleNotificationService", action)) => (Service::Sns, action),
        _ => {
            let error = ApiError::new(Code::UNKNOWN_OPERATION, "The target of the request is unknown.");
            return Err(wrong(Service::Sqs, error));
        }
    };
    // An action without parameters may come without a body.
    let body = if request.body.is_empty() { b"{}" } else { request.body };
    let fields = object(body).map_err(|error| {
        let text = format!("The body of the request is not a JSON object: {error}.");
        wrong(service, ApiError::new(Code::SERIALIZATION, text))
    })?;
    Ok(Call {
        protocol: Protocol::Json,
        service,
        action: action.to_owned(),
        params: Params::json(fields),
        path_queue: path_queue(request.path),
    })
}

/// AWS Query: a form, in the URL's query, in the body, or in both.
fn query(request: &Request<'_>) -> Result<Call, Malformed> {
    let wrong = |service, error| Malformed { protocol: Protocol::Query, service, error };
    let mut fields = Vec::new();
    let read = add_pairs(&mut fields, request.query.as_bytes());
    let read = read.and_then(|()| add_pairs(&mut fields, request.body));
    let signed_for = scoped_service(request, &fields).unwrap_or(Service::Sqs);
    read.map_err(|error| wrong(signed_for, ApiError::new(Code::MALFORMED_QUERY, error.text())))?;
    let Some(action) = find(&fields, "Action").map(str::to_owned) else {
        let error = ApiError::new(Code::UNKNOWN_OPERATION, "The action of the request is missing.");
        return Err(wrong(signed_for, error));
    };
    let service = match find(&fields, "Version") {
        Some(SQS_VERSION) => Service::Sqs,
        Some(SNS_VERSION) => Service::Sns,
        Some(STS_VERSION) => Service::Sts,
        _ if action == "GetCallerIdentity" => Service::Sts,
        _ => signed_for,
    };
    let path_queue = path_queue(request.path);
    Ok(Call { protocol: Protocol::Query, service, action, params: Params::form(fields), path_queue })
}

/// The first value of that name.
fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The service that the request is signed for, in its header or, presigned, in its form:
/// `KEY/DATE/REGION/SERVICE/aws4_request`.
fn scoped_service(request: &Request<'_>, fields: &[(String, String)]) -> Option<Service> {
    let signed = request.header("authorization").and_then(|header| header.split_once("Credential="));
    let credential = match signed {
        Some((_, rest)) => rest.split(',').next()?,
        None => find(fields, "X-Amz-Credential")?,
    };
    match credential.split('/').nth(3)? {
        "sns" => Some(Service::Sns),
        "sts" => Some(Service::Sts),
        "sqs" => Some(Service::Sqs),
        _ => None,
    }
}

/// `/ACCOUNT/NAME`, `/queue/NAME` and `/NAME` name a queue, with or without a slash behind; `/` does not.
fn path_queue(path: &str) -> Option<String> {
    let name = path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty())?;
    percent_decoded(name).map(Cow::into_owned)
}
