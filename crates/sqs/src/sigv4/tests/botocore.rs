//! Requests as botocore 1.44.8 signs them for this broker, at 2026-11-24T12:00:00Z.

use super::Sent;
use crate::sigv4::SignatureError;

const NOW_MS: u64 = 1_795_521_600_000;
const DATE: (&str, &str) = ("x-amz-date", "20261124T120000Z");
const HOST: (&str, &str) = ("host", "127.0.0.1:9324");
const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
const KEY: (&str, &str) = ("LKIAEXAMPLEEXAMPLE22", "q/W+0aZxSwEdCvFrTgBnHyUjMkIlOp1234567890");

/// The header `Authorization`.
fn authorization(service: &str, signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={}/20261124/eu-central-1/{service}/aws4_request, SignedHeaders={signed}, \
         Signature={signature}",
        KEY.0
    )
}

fn check(sent: Sent<'_>, service: &str, signed: &str, signature: &str) {
    let authorization = authorization(service, signed, signature);
    if signed.contains("x-amz-date") {
        let unsigned = [sent.headers, &[HOST]].concat();
        let made = Sent { headers: &unsigned, ..sent }.sign(NOW_MS, KEY, "eu-central-1", service);
        assert_eq!(made, authorization);
    }
    let headers = [sent.headers, &[HOST, DATE, ("authorization", &authorization)]].concat();
    let verified = Sent { headers: &headers, ..sent }.verify(NOW_MS, KEY).unwrap();
    assert_eq!((&*verified.access_key, &*verified.service), (KEY.0, service));
    assert_eq!(&*verified.region, "eu-central-1");
    let changed = format!("{} ", sent.body);
    let changed = Sent { headers: &headers, body: &changed, ..sent }.verify(NOW_MS, KEY);
    let is_covered = !sent.headers.iter().any(|(_, value)| *value == "UNSIGNED-PAYLOAD");
    assert_eq!(changed == Err(SignatureError::Mismatch), is_covered, "another body");
}

#[test]
fn calls_of_all_three_services() {
    let json = Sent {
        method: "POST",
        target: "/",
        headers: &[JSON, ("x-amz-target", "AmazonSQS.SendMessage"), ("x-amzn-query-mode", "true")],
        body: r#"{"QueueUrl": "http://127.0.0.1:9324/000000000000/jobs.fifo", "MessageBody": "gr\u00fc\u00dfe + 1", "MessageGroupId": "a"}"#,
    };
    let signed = "content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode";
    check(json, "sqs", signed, "8e4ec2e2e48ef62d5a26ddc93da18593f6ba24dda3abe2e83ab9dd5bc488847a");
    let publish = Sent {
        method: "POST",
        target: "/",
        headers: &[FORM],
        body: "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A000000000000%3At\
               &Message=a+b%2Bc~%2A",
    };
    let signed = "content-type;host;x-amz-date";
    check(publish, "sns", signed, "b235276325c5ba82284340652017e4ef8a8e6be2d2f0de10423745a9f37f9cbf");
    let who = Sent { body: "Action=GetCallerIdentity&Version=2011-06-15", ..publish };
    check(who, "sts", signed, "7fdc3d3b5d15ba59fb586e831aac9fad37cdeb933d14f144e652f607b354f501");
}

/// The path is encoded once more than it was sent, and normalised.
#[test]
fn paths_and_queries_that_need_escapes() {
    let sent = Sent {
        method: "POST",
        target: "/000000000000/a%20b/./%C3%BC?Action=SendMessage&MessageBody=a%20b%2Bc&Empty=",
        headers: &[],
        body: "x=1",
    };
    let signature = "f3e5ee2c09d4ab37afba6d1aedea727fdccc3cfa49fe37f6e421bde814886810";
    check(sent, "sqs", "host;x-amz-date", signature);
    // The same, as a form would write it.
    let target = "/000000000000/a%20b/%C3%BC?Empty&MessageBody=a+b%2bc&Action=%53endMessage";
    check(Sent { target, ..sent }, "sqs", "host;x-amz-date", signature);
}

#[test]
fn a_client_may_leave_the_body_unsigned() {
    let sent = Sent {
        method: "POST",
        target: "/q",
        headers: &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), ("x-twice", "  a   b ")],
        body: "x=1",
    };
    let signature = "aed8e3820a4d2084f471b1d5a61c2ccdeb157d05ffa3cb0cf78938889089bae0";
    check(sent, "sqs", "host;x-amz-content-sha256;x-amz-date;x-twice", signature);
}

/// Presigned for a minute.
fn presigned(query: &str, service: &str, signed: &str, signature: &str) -> String {
    format!(
        "/?{query}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F20261124%2Feu-central-1%2F{service}\
         %2Faws4_request&X-Amz-Date=20261124T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders={signed}\
         &X-Amz-Signature={signature}",
        KEY.0
    )
}

#[test]
fn presigned_calls() {
    let publish = presigned(
        "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A000000000000%3At\
         &Message=a%20b%2Bc~%2A%C3%A9",
        "sns",
        "host",
        "cc2242b8af1d50565837ea764b0cffae7c418639fa3cf7742f542ef043a735ca",
    );
    let who = presigned(
        "Action=GetCallerIdentity&Version=2011-06-15",
        "sts",
        "host",
        "614ea6a3584c3fa4e3a7077c292616af71f13d492c5242b266348ede6f94c0dc",
    );
    let sent = Sent { method: "GET", target: &publish, headers: &[HOST], body: "" };
    assert_eq!(&*sent.verify(NOW_MS, KEY).unwrap().service, "sns");
    let sent = Sent { target: &who, ..sent };
    assert_eq!(&*sent.verify(NOW_MS + 60_000, KEY).unwrap().service, "sts");
    let list = presigned(
        "QueueNamePrefix=a%20b%2Bc",
        "sqs",
        "content-type%3Bhost%3Bx-amz-target%3Bx-amzn-query-mode",
        "75dd2619de9f7158d517637fabc5ff1ec379e8d8e97f54290e06d4def27b8197",
    );
    let headers = [HOST, JSON, ("x-amz-target", "AmazonSQS.ListQueues"), ("x-amzn-query-mode", "true")];
    let sent = Sent { target: &list, headers: &headers, ..sent };
    assert_eq!(&*sent.verify(NOW_MS, KEY).unwrap().access_key, KEY.0);
}

/// A presigned URL is good for as long as it says, and for one action.
#[test]
fn what_a_presigned_url_is_not_good_for() {
    let signature = "614ea6a3584c3fa4e3a7077c292616af71f13d492c5242b266348ede6f94c0dc";
    let target = presigned("Action=GetCallerIdentity&Version=2011-06-15", "sts", "host", signature);
    let sent = Sent { method: "GET", target: &target, headers: &[HOST], body: "" };
    let error = sent.verify(NOW_MS + 61_000, KEY).unwrap_err();
    let text = "Signature expired: 20261124T120000Z is now earlier than 20261124T120001Z (20261124T120101Z - 1 min.)";
    assert_eq!(error.to_string(), text);
    let mismatch = Err(SignatureError::Mismatch);
    assert_eq!(Sent { method: "POST", ..sent }.verify(NOW_MS, KEY), mismatch);
    assert_eq!(Sent { body: "Action=ListQueues", ..sent }.verify(NOW_MS, KEY), mismatch);
    let longer = target.replace("X-Amz-Expires=60", "X-Amz-Expires=604800");
    assert_eq!(Sent { target: &longer, ..sent }.verify(NOW_MS, KEY), mismatch);
    let more = format!("{target}&Action=PurgeQueue");
    assert_eq!(Sent { target: &more, ..sent }.verify(NOW_MS, KEY), mismatch);
    let elsewhere = [("host", "other:9324")];
    assert_eq!(Sent { headers: &elsewhere, ..sent }.verify(NOW_MS, KEY), mismatch);
    let another = [HOST, ("x-amz-target", "AmazonSQS.PurgeQueue")];
    let error = Sent { headers: &another, ..sent }.verify(NOW_MS, KEY).unwrap_err();
    assert_eq!(error.to_string(), "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
}
