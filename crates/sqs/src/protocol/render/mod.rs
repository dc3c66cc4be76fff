//! From an answer or an error to an HTTP response, in the protocol of the request.

mod escape;
mod json;
mod xml;

use super::{ApiError, Call, Code, Output, Protocol, Service};
use crate::http::Response;

const JSON: &str = "application/x-amz-json-1.0";
const XML: &str = "text/xml";

/// What an answer takes beside its texts, in bytes, usually at most.
const HEAD_BYTES: usize = 512;

/// The response to a call that did what it should. An action that answers nothing gives an empty output.
pub fn success(call: &Call, output: &Output, request_id: &str) -> Response {
    let mut body = Vec::with_capacity(HEAD_BYTES + output.size_hint());
    match call.protocol {
        Protocol::Json => {
            json::structure(&mut body, output);
            response(200, JSON, body, request_id)
        }
        Protocol::Query => {
            let action = call.action.as_str();
            let root = format!("{action}Response");
            open_document(&mut body, &root, call.service);
            if has_result(call.service, action) {
                xml::element(&mut body, &format!("{action}Result"), |body| xml::fields(body, output));
            }
            xml::element(&mut body, "ResponseMetadata", |body| xml::text(body, "RequestId", request_id));
            xml::close(&mut body, &root);
            response(200, XML, body, request_id)
        }
    }
}

/// Whether an action's answer has an element for its result, be there anything in it or not: SDKs look for it, and
/// botocore fails without it. By the services' models.
fn has_result(service: Service, action: &str) -> bool {
    let without: &[&str] = match service {
        Service::Sqs => &[
            "AddPermission",
            "ChangeMessageVisibility",
            "DeleteMessage",
            "DeleteQueue",
            "PurgeQueue",
            "RemovePermission",
            "SetQueueAttributes",
            "TagQueue",
            "UntagQueue",
        ],
        Service::Sns => &[
            "AddPermission",
            "DeleteTopic",
            "RemovePermission",
            "SetSubscriptionAttributes",
            "SetTopicAttributes",
            "Unsubscribe",
        ],
        Service::Sts => &[],
    };
    !without.contains(&action)
}

/// The response to a call that did not.
pub fn failure(protocol: Protocol, service: Service, error: &ApiError, request_id: &str) -> Response {
    match protocol {
        Protocol::Json => json_failure(service, error, request_id),
        Protocol::Query => query_failure(service, error, request_id),
    }
}

fn json_failure(service: Service, error: &ApiError, request_id: &str) -> Response {
    let code = error.code;
    let space = match service {
        Service::Sqs => "com.amazonaws.sqs#",
        Service::Sns => "com.amazonaws.sns#",
        Service::Sts => "",
    };
    let mut body = Vec::with_capacity(HEAD_BYTES);
    body.extend_from_slice(b"{\"__type\":");
    json::text(&mut body, &format!("{space}{}", code.shape));
    body.extend_from_slice(b",\"message\":");
    json::text(&mut body, error.text(Protocol::Json));
    body.push(b'}');
    let mut response = response(code.status, JSON, body, request_id);
    // For SDKs that knew the errors by their codes in the Query protocol, and still show those.
    response.headers.push(("x-amzn-query-error", format!("{};{}", code.query, fault(error))));
    response
}

fn query_failure(service: Service, error: &ApiError, request_id: &str) -> Response {
    let code = error.code;
    if service == Service::Sqs && code == Code::UNKNOWN_OPERATION {
        // A request to a queue's URL without an action gets this document and no other (recorded from AWS).
        return response(code.status, XML, b"<UnknownOperationException/>".to_vec(), request_id);
    }
    let mut body = Vec::with_capacity(HEAD_BYTES);
    open_document(&mut body, "ErrorResponse", service);
    xml::element(&mut body, "Error", |body| {
        xml::text(body, "Type", fault(error));
        xml::text(body, "Code", code.query);
        xml::text(body, "Message", error.text(Protocol::Query));
        if service == Service::Sqs {
            body.extend_from_slice(b"<Detail/>");
        }
    });
    xml::text(&mut body, "RequestId", request_id);
    xml::close(&mut body, "ErrorResponse");
    response(code.status, XML, body, request_id)
}

fn fault(error: &ApiError) -> &'static str {
    if error.is_senders() { "Sender" } else { "Receiver" }
}

fn response(status: u16, content_type: &'static str, body: Vec<u8>, request_id: &str) -> Response {
    Response { status, content_type, headers: vec![("x-amzn-requestid", request_id.to_owned())], body }
}

fn open_document(body: &mut Vec<u8>, root: &str, service: Service) {
    let space = match service {
        Service::Sqs => "http://queue.amazonaws.com/doc/2012-11-05/",
        Service::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
        Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
    };
    for part in ["<?xml version=\"1.0\"?><", root, " xmlns=\"", space, "\">"] {
        body.extend_from_slice(part.as_bytes());
    }
}
