//! From an answer or an error to an HTTP response, in the protocol of the request.

use super::output::{Field, Item, MapValue, Output};
use super::{ApiError, Call, Protocol, Service};
use crate::http::Response;
use std::io::Write as _;

const JSON: &str = "application/x-amz-json-1.0";
const XML: &str = "text/xml";

/// The response to a call that did what it should. An action that answers nothing gives an empty output.
pub fn success(call: &Call, output: &Output, request_id: &str) -> Response {
    match call.protocol {
        Protocol::Json => {
            let mut body = Vec::with_capacity(256);
            json_structure(&mut body, output);
            response(200, JSON, body, request_id)
        }
        Protocol::Query => {
            let action = &call.action;
            let mut body = Vec::with_capacity(512);
            open_document(&mut body, &format!("{action}Response"), call.service);
            // Only what answers something has a result; SNS always has one.
            if !output.fields.is_empty() || (call.service == Service::Sns && has_result(action)) {
                element(&mut body, &format!("{action}Result"), |body| xml_structure(body, output));
            }
            element(&mut body, "ResponseMetadata", |body| xml_text(body, "RequestId", request_id));
            let _in_memory = write!(body, "</{action}Response>");
            response(200, XML, body, request_id)
        }
    }
}

/// SNS's actions without an answer have no element for it.
fn has_result(action: &str) -> bool {
    !matches!(
        action,
        "DeleteTopic"
            | "SetTopicAttributes"
            | "Unsubscribe"
            | "SetSubscriptionAttributes"
            | "AddPermission"
            | "RemovePermission"
    )
}

/// The response to a call that did not.
pub fn failure(protocol: Protocol, service: Service, error: &ApiError, request_id: &str) -> Response {
    let text = error.text(protocol);
    let code = error.code;
    match protocol {
        Protocol::Json => {
            let space = match service {
                Service::Sqs => "com.amazonaws.sqs#",
                Service::Sns => "com.amazonaws.sns#",
                Service::Sts => "",
            };
            let mut body = Vec::with_capacity(256);
            body.extend_from_slice(b"{\"__type\":");
            json_text(&mut body, &format!("{space}{}", code.shape));
            body.extend_from_slice(b",\"message\":");
            json_text(&mut body, text);
            body.push(b'}');
            let mut response = response(code.status, JSON, body, request_id);
            let fault = if error.is_senders() { "Sender" } else { "Receiver" };
            response.headers.push(("x-amzn-query-error", format!("{};{fault}", code.query)));
            response
        }
        Protocol::Query => {
            let mut body = Vec::with_capacity(512);
            open_document(&mut body, "ErrorResponse", service);
            element(&mut body, "Error", |body| {
                xml_text(body, "Type", if error.is_senders() { "Sender" } else { "Receiver" });
                xml_text(body, "Code", code.query);
                xml_text(body, "Message", text);
                if service == Service::Sqs {
                    body.extend_from_slice(b"<Detail/>");
                }
            });
            xml_text(&mut body, "RequestId", request_id);
            body.extend_from_slice(b"</ErrorResponse>");
            response(code.status, XML, body, request_id)
        }
    }
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
    let _in_memory = write!(body, "<?xml version=\"1.0\"?><{root} xmlns=\"{space}\">");
}

fn json_structure(body: &mut Vec<u8>, output: &Output) {
    body.push(b'{');
    for (index, (name, field)) in output.fields.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        json_text(body, name);
        body.push(b':');
        json_field(body, field);
    }
    body.push(b'}');
}

fn json_field(body: &mut Vec<u8>, field: &Field) {
    match field {
        Field::Text(text) => json_text(body, text),
        Field::Integer(number) => {
            let _in_memory = write!(body, "{number}");
        }
        Field::Flag(flag) => body.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Field::Structure(output) => json_structure(body, output),
        Field::List { items, .. } => {
            body.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    body.push(b',');
                }
                match item {
                    Item::Text(text) => json_text(body, text),
                    Item::Structure(output) => json_structure(body, output),
                }
            }
            body.push(b']');
        }
        Field::Map { pairs, .. } => {
            body.push(b'{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    body.push(b',');
                }
                json_text(body, key);
                body.push(b':');
                match value {
                    MapValue::Text(text) => json_text(body, text),
                    MapValue::Structure(output) => json_structure(body, output),
                }
            }
            body.push(b'}');
        }
    }
}

fn json_text(body: &mut Vec<u8>, text: &str) {
    body.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        body.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        if escape.is_empty() {
            let _in_memory = write!(body, "\\u{byte:04x}");
        } else {
            body.extend_from_slice(escape);
        }
    }
    body.extend_from_slice(&bytes[from..]);
    body.push(b'"');
}

fn xml_structure(body: &mut Vec<u8>, output: &Output) {
    for (name, field) in &output.fields {
        match field {
            Field::Text(text) => xml_text(body, name, text),
            Field::Integer(number) => xml_text(body, name, &number.to_string()),
            Field::Flag(flag) => xml_text(body, name, if *flag { "true" } else { "false" }),
            Field::Structure(output) => element(body, name, |body| xml_structure(body, output)),
            Field::List { element: one, items, flat: true } => xml_items(body, one, items),
            Field::List { element: one, items, flat: false } => {
                element(body, name, |body| xml_items(body, one, items));
            }
            Field::Map { entry, key, value, pairs, flat: true } => {
                xml_pairs(body, (entry, key, value), pairs);
            }
            Field::Map { entry, key, value, pairs, flat: false } => {
                element(body, name, |body| xml_pairs(body, (entry, key, value), pairs));
            }
        }
    }
}

fn xml_items(body: &mut Vec<u8>, name: &str, items: &[Item]) {
    for item in items {
        match item {
            Item::Text(text) => xml_text(body, name, text),
            Item::Structure(output) => element(body, name, |body| xml_structure(body, output)),
        }
    }
}

fn xml_pairs(body: &mut Vec<u8>, (entry, key, value): (&str, &str, &str), pairs: &[(String, MapValue)]) {
    for (name, of) in pairs {
        element(body, entry, |body| {
            xml_text(body, key, name);
            match of {
                MapValue::Text(text) => xml_text(body, value, text),
                MapValue::Structure(output) => element(body, value, |body| xml_structure(body, output)),
            }
        });
    }
}

fn element(body: &mut Vec<u8>, name: &str, inside: impl FnOnce(&mut Vec<u8>)) {
    let _in_memory = write!(body, "<{name}>");
    inside(body);
    let _in_memory = write!(body, "</{name}>");
}

fn xml_text(body: &mut Vec<u8>, name: &str, text: &str) {
    element(body, name, |body| {
        let bytes = text.as_bytes();
        let mut from = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let escape: &[u8] = match byte {
                b'<' => b"&lt;",
                b'>' => b"&gt;",
                b'&' => b"&amp;",
                b'"' => b"&quot;",
                // A parser would make a line feed of it.
                b'\r' => b"&#xD;",
                _ => continue,
            };
            body.extend_from_slice(&bytes[from..at]);
            body.extend_from_slice(escape);
            from = at + 1;
        }
        body.extend_from_slice(&bytes[from..]);
    });
}
