//! What is not accepted, with AWS's codes and texts, in the order in which AWS looks.

use super::Sent;
use crate::protocol::{ApiError, Code};
use crate::sigv4::SignatureError;

/// 2015-08-30T12:36:00Z, the moment of the vector that is spoiled here.
const NOW_MS: u64 = 1_440_938_160_000;
const KEY: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
const HOST: (&str, &str) = ("host", "example.amazonaws.com");
const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                             SignedHeaders=host;x-amz-date, \
                             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

fn verify(target: &str, headers: &[(&str, &str)], now_ms: u64) -> Result<(), SignatureError> {
    Sent { method: "GET", target, headers, body: "" }.verify(now_ms, KEY).map(drop)
}

/// The code and the text for the vector with another header `Authorization`.
#[track_caller]
fn assert_header(authorization: &str, code: Code, text: &str) {
    let headers = [HOST, DATE, ("authorization", authorization)];
    assert_error(verify("/", &headers, NOW_MS), code, text);
}

#[track_caller]
fn assert_error(answer: Result<(), SignatureError>, code: Code, text: &str) {
    let error = ApiError::from(answer.unwrap_err());
    assert_eq!((error.code, &*error.message), (code, text));
}

fn changed(from: &str, to: &str) -> String {
    assert!(AUTHORIZATION.contains(from));
    AUTHORIZATION.replace(from, to)
}

#[test]
fn a_request_without_a_signature() {
    let text = "Request is missing Authentication Token";
    assert_error(verify("/", &[HOST, DATE], NOW_MS), Code::MISSING_TOKEN, text);
    for other in ["", "Basic Z3Vlc3Q6Z3Vlc3Q=", "AWS AKIDEXAMPLE:c2ln", "Bearer t"] {
        assert_header(other, Code::MISSING_TOKEN, text);
    }
}

#[test]
fn a_request_that_is_signed_twice() {
    let headers = [HOST, DATE, ("authorization", AUTHORIZATION)];
    let text = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";
    let answer = verify("/?X-Amz-Algorithm=AWS4-HMAC-SHA256", &headers, NOW_MS);
    assert_error(answer, Code::WRONG_SIGNATURE, text);
}

#[test]
fn signatures_with_parts_missing() {
    let incomplete = Code::INCOMPLETE_SIGNATURE;
    let text = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
                parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256";
    assert_header("AWS4-HMAC-SHA256", incomplete, text);
    let text = "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256";
    assert_header(&changed("Signature=", "Nothing="), incomplete, text);
    let text = "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header.";
    assert_header(&changed("Credential=", "Credential "), incomplete, text);
    let text = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
                Authorization=AWS4-HMAC-SHA256";
    assert_error(verify("/", &[HOST, ("authorization", AUTHORIZATION)], NOW_MS), incomplete, text);
    let text = "AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include \
                'X-Amz-Date'. Re-examine the query-string parameters.";
    let target = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-SignedHeaders=host";
    assert_error(verify(target, &[HOST], NOW_MS), incomplete, text);
}

#[test]
fn dates_that_are_none() {
    let text =
        "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601";
    let headers = [HOST, ("x-amz-date", "201"), ("authorization", AUTHORIZATION)];
    assert_error(verify("/", &headers, NOW_MS), Code::INCOMPLETE_SIGNATURE, text);
    let presigned = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-SignedHeaders=host&X-Amz-Signature=0\
                     &X-Amz-Date=20150830T123600Z&X-Amz-Expires=";
    for lifetime in ["", "0", "-1", "604801", "99999999999999999999", "1.5", "%FF"] {
        let answer = verify(&format!("{presigned}{lifetime}"), &[HOST], NOW_MS);
        assert!(matches!(answer, Err(SignatureError::Lifetime { .. })), "{lifetime}: {answer:?}");
    }
    let text = "X-Amz-Expires must be a number of seconds from 1 to 604800. Got '0'.";
    assert_error(verify(&format!("{presigned}0"), &[HOST], NOW_MS), Code::INCOMPLETE_SIGNATURE, text);
}

/// A date header without the `X-Amz-` will do; it is signed under its own name.
#[test]
fn the_date_may_be_in_the_other_header() {
    let headers = [HOST, ("date", DATE.1), ("authorization", AUTHORIZATION)];
    assert_eq!(verify("/", &headers, NOW_MS), Err(SignatureError::Mismatch), "it is the date, and unsigned");
}

#[test]
fn a_signature_is_good_for_a_quarter_of_an_hour_either_way() {
    let headers = [HOST, DATE, ("authorization", AUTHORIZATION)];
    let quarter = 15 * 60 * 1_000;
    for now_ms in [NOW_MS - quarter, NOW_MS, NOW_MS + quarter + 999] {
        assert_eq!(verify("/", &headers, now_ms), Ok(()));
    }
    let text = "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)";
    assert_error(verify("/", &headers, NOW_MS + quarter + 1_000), Code::WRONG_SIGNATURE, text);
    let text = "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z \
                (20150830T122059Z + 15 min.)";
    assert_error(verify("/", &headers, NOW_MS - quarter - 1), Code::WRONG_SIGNATURE, text);
    assert!(matches!(verify("/", &headers, 0), Err(SignatureError::NotYetCurrent(_))));
    assert!(matches!(verify("/", &headers, u64::MAX), Err(SignatureError::Expired(_))));
}

#[test]
fn signatures_that_do_not_cover_what_they_must() {
    let text = "'Host' must be a 'SignedHeader' in the AWS Authorization.";
    assert_header(&changed("host;", ""), Code::WRONG_SIGNATURE, text);
    let headers = [HOST, DATE, ("authorization", AUTHORIZATION), ("x-amz-target", "AmazonSQS.PurgeQueue")];
    let text = "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.";
    assert_error(verify("/", &headers, NOW_MS), Code::WRONG_SIGNATURE, text);
    // Case, order and repetition do not matter, as long as what was signed was in order.
    let headers = [HOST, DATE, ("authorization", &changed("host;x-amz-date", "X-Amz-Date;Host;host"))];
    assert_eq!(verify("/", &headers, NOW_MS), Ok(()));
}

#[test]
fn algorithms_and_credentials_that_are_not_known() {
    let text = "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now).";
    assert_header(&changed("SHA256 ", "SHA25 "), Code::INCOMPLETE_SIGNATURE, text);
    let text = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                'AKIDEXAMPLE/20150830/service/aws4_request'";
    assert_header(&changed("us-east-1/", ""), Code::INCOMPLETE_SIGNATURE, text);
    let text = "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.";
    assert_header(&changed("aws4_request", "aws5_request"), Code::WRONG_SIGNATURE, text);
    let text = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                '20150829' != '20150830', from '20150830T123600Z'.";
    assert_header(&changed("20150830", "20150829"), Code::WRONG_SIGNATURE, text);
}

#[test]
fn keys_that_are_not_known() {
    let text = "The security token included in the request is invalid.";
    assert_header(&changed("AKIDEXAMPLE", "AKIDEXAMPLF"), Code::UNKNOWN_KEY, text);
    assert_header(&changed("AKIDEXAMPLE", ""), Code::UNKNOWN_KEY, text);
}

#[test]
fn signatures_that_are_wrong() {
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                Access Key and signing method. Consult the service documentation for details.";
    for (from, to) in [
        ("Signature=5fa0", "Signature=5fa1"),
        ("Signature=5fa0", "Signature=5FA0"),
        ("Signature=5fa0", "Signature=5fa"),
        ("Signature=5fa0", "Signature=5fa00"),
        ("us-east-1", "us-east-2"),
        ("/service/", "/sqs/"),
        ("x-amz-date,", "x-amz-date;x-absent,"),
    ] {
        assert_header(&changed(from, to), Code::WRONG_SIGNATURE, text);
    }
    let headers = [HOST, DATE, ("authorization", AUTHORIZATION)];
    for target in ["/q", "/?Action=ListQueues"] {
        assert_error(verify(target, &headers, NOW_MS), Code::WRONG_SIGNATURE, text);
    }
    let hash = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    let headers = [HOST, DATE, ("authorization", AUTHORIZATION), hash];
    assert_error(verify("/", &headers, NOW_MS), Code::WRONG_SIGNATURE, text);
}
