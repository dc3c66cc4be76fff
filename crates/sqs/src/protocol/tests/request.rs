//! Which call a request is.

use super::*;

fn signed(query: &str, authorization: &str) -> Call {
    let headers: [(&str, &[u8]); 1] = [("Authorization", authorization.as_bytes())];
    parse(&Request { method: "GET", path: "/", query, headers: &headers, body: b"" }).unwrap()
}

#[test]
fn a_path_names_a_queue() {
    for (path, queue) in [
        ("/000000000000/orders.fifo", Some("orders.fifo")),
        ("/000000000000/orders/", Some("orders")),
        ("/queue/a%20b", Some("a b")),
        ("/queue/a%2Fb", Some("a/b")),
        ("/orders", Some("orders")),
        ("/", None),
        ("", None),
        ("/0/%zz", None),
    ] {
        let call = form_call(path, "Action=ReceiveMessage", "").unwrap();
        assert_eq!(call.path_queue.as_deref(), queue, "{path}");
    }
}

#[test]
fn the_target_names_service_and_action_whatever_the_type_of_the_body() {
    for (target, service) in [
        ("AmazonSQS.X", Service::Sqs),
        ("AmazonSNS.X", Service::Sns),
        ("AmazonSimpleNotificationService.X", Service::Sns),
    ] {
        for content_type in ["application/x-amz-json-1.0", "application/x-amz-json-1.1", "text/plain"] {
            let headers: [(&str, &[u8]); 2] =
                [("content-type", content_type.as_bytes()), ("x-amz-target", target.as_bytes())];
            let request = Request { method: "POST", path: "/0/q", query: "", headers: &headers, body: b"{}" };
            let call = parse(&request).unwrap();
            assert_eq!((call.protocol, call.service, call.action.as_str()), (Protocol::Json, service, "X"));
            assert_eq!(call.path_queue.as_deref(), Some("q"));
        }
    }
    assert_eq!(
        json_call("AmazonSQS.ListQueues", "").unwrap().action,
        "ListQueues",
        "no body is no parameters"
    );
}

#[test]
fn the_version_names_the_service_of_a_query() {
    for (version, service) in [
        ("&Version=2012-11-05", Service::Sqs),
        ("&Version=2010-03-31", Service::Sns),
        ("&Version=2011-06-15", Service::Sts),
        ("&Version=2009-02-01", Service::Sqs),
        ("", Service::Sqs),
    ] {
        let call = form_call("/", "", format!("Action=AddPermission{version}")).unwrap();
        assert_eq!((call.protocol, call.service), (Protocol::Query, service), "{version}");
    }
    assert_eq!(form_call("/", "Action=GetCallerIdentity", "").unwrap().service, Service::Sts);
}

#[test]
fn without_a_version_the_signature_names_the_service() {
    let header =
        "AWS4-HMAC-SHA256 Credential=AK/20261124/eu-west-1/sns/aws4_request, SignedHeaders=host, Signature=0";
    assert_eq!(signed("Action=Publish", header).service, Service::Sns);
    assert_eq!(signed("Action=X&Version=2012-11-05", header).service, Service::Sqs);
    let presigned = "Action=Publish&X-Amz-Credential=AK%2F20261124%2Feu-west-1%2Fsns%2Faws4_request";
    assert_eq!(form_call("/", presigned, "").unwrap().service, Service::Sns);
    for odd in ["", "Credential=", "Credential=AK/1/2/s3/aws4_request", "AWS4-HMAC-SHA256 Credential=///"] {
        assert_eq!(signed("Action=X", odd).service, Service::Sqs, "{odd}");
    }
}

#[test]
fn the_query_of_a_url_counts_before_the_form_behind_it() {
    let call = form_call("/0/q", "Action=A&x=1", "Action=B&x=2&y=3").unwrap();
    assert_eq!(call.action, "A");
    assert_eq!(call.params.text("x").unwrap(), Some("1"));
    assert_eq!(call.params.text("y").unwrap(), Some("3"));
}

#[test]
fn what_is_neither_protocol_says_what_is_wrong() {
    let error = |result: Result<Call, Malformed>| {
        let malformed = result.unwrap_err();
        (malformed.protocol, malformed.error.code)
    };
    let no_action = (Protocol::Query, Code::UNKNOWN_OPERATION);
    assert_eq!(error(form_call("/0/q", "", "")), no_action);
    assert_eq!(error(form_call("/", "", "{\"QueueUrl\":\"q\"}")), no_action);
    for form in
        [&b"Action=%zz"[..], b"Action=%4", b"Action=%", b"Action=A&x=%ff", b"Action=A&x=\xff", b"%80=1"]
    {
        assert_eq!(error(form_call("/", "", form)), (Protocol::Query, Code::MALFORMED_QUERY), "{form:?}");
    }
    for body in [
        &b"{\"a\":"[..],
        b"[]",
        b"null",
        b"\"a\"",
        b"{} x",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\\udc00\\ud800\"}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\x01\"}",
        b"{'a':1}",
        b"{\"a\":NaN}",
    ] {
        let refused = error(json_call("AmazonSQS.SendMessage", body));
        assert_eq!(refused, (Protocol::Json, Code::SERIALIZATION), "{}", String::from_utf8_lossy(body));
    }
    for target in ["DynamoDB.PutItem", "AmazonSQS", "", ".", "SendMessage"] {
        assert_eq!(error(json_call(target, "{}")), (Protocol::Json, Code::UNKNOWN_OPERATION), "{target}");
    }
}

#[test]
fn headers_are_found_however_they_are_capitalised() {
    let headers: [(&str, &[u8]); 3] = [("Host", b"h"), ("X-Odd", b"\xff"), ("host", b"second")];
    let request = Request { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
    assert_eq!(request.header("hOST"), Some("h"));
    assert_eq!(request.header("x-odd"), None, "no text");
    assert_eq!(request.header("absent"), None);
}
