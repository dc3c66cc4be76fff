//! The vectors of AWS's "Signature Version 4 test suite" (as of aws-c-auth, 2025), those with a normalised path: what is
//! requested, and the signatures in a header and in a presigned URL. A key, a region and a moment are common to all.

use super::Sent;

/// 2015-08-30T12:36:00Z.
const NOW_MS: u64 = 1_440_938_160_000;
const DATE: &str = "20150830T123600Z";
const KEY: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
const SCOPE: &str = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
const UNRESERVED: &str = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A vector: its name, method and target, its own headers, the signature in a header and the one in a query.
type Vector<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

/// The signatures of `GET /`, to which several targets come down.
const GET_ROOT: [&str; 2] = [
    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
];
/// Those of `POST /`.
const POST_ROOT: [&str; 2] = [
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b",
];

const PATHS: &[Vector<'_>] = &[
    ("get-vanilla", "GET", "/", &[], GET_ROOT[0], GET_ROOT[1]),
    ("get-relative", "GET", "/example/..", &[], GET_ROOT[0], GET_ROOT[1]),
    ("get-relative-relative", "GET", "/example1/example2/../..", &[], GET_ROOT[0], GET_ROOT[1]),
    ("get-slash-dot-slash", "GET", "/./", &[], GET_ROOT[0], GET_ROOT[1]),
    ("get-slash", "GET", "//", &[], GET_ROOT[0], GET_ROOT[1]),
    (
        "get-slash-pointless-dot",
        "GET",
        "/./example",
        &[],
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
        "35034b1a0bdd969f346975386daf8aedfd4976573b8348cf4f67eaa41c5857de",
    ),
    (
        "get-slashes",
        "GET",
        "//example//",
        &[],
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        "c1834e8fb0307243711f0f907f6ab7311ed300d87f13792d7ee4da89ab93e082",
    ),
    (
        "get-space",
        "GET",
        "/example space/",
        &[],
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        "7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6",
    ),
    (
        "get-utf8",
        "GET",
        "/\u{1234}",
        &[],
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44",
    ),
    ("post-vanilla", "POST", "/", &[], POST_ROOT[0], POST_ROOT[1]),
];

const QUERIES: &[Vector<'_>] = &[
    (
        "get-vanilla-empty-query-key",
        "GET",
        "/?Param1=value1",
        &[],
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        "49096700cbbaa5753443850f40df10f904fc2fdb544dc9512203cc77c471a9de",
    ),
    (
        "get-vanilla-query-order-encoded",
        "GET",
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        &[],
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787",
    ),
    (
        "get-vanilla-query-order-key-case",
        "GET",
        "/?Param2=value2&Param1=value1",
        &[],
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5",
    ),
    (
        "get-vanilla-utf8-query",
        "GET",
        "/?\u{1234}=bar",
        &[],
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600",
    ),
    (
        "post-vanilla-query",
        "POST",
        "/?Param1=value1",
        &[],
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        "a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682",
    ),
];

const HEADERS: &[Vector<'_>] = &[
    (
        "get-header-key-duplicate",
        "GET",
        "/",
        &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        "3349ee0b81b4b589da0ff28a395c3591e04de515651dd74f298fa992d1507a97",
    ),
    (
        "get-header-value-multiline",
        "GET",
        "/",
        &[("my-header1", "value1\n  value2\n     value3")],
        "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
        "e6f5def831211aca02987a44b96826706278c7bc078112ae0263659c5b2f2d56",
    ),
    (
        "get-header-value-order",
        "GET",
        "/",
        &[
            ("my-header1", "value4"),
            ("my-header1", "value1"),
            ("my-header1", "value3"),
            ("my-header1", "value2"),
        ],
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        "313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e",
    ),
    (
        "get-header-value-trim",
        "GET",
        "/",
        &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4",
    ),
    (
        "post-header-key-sort",
        "POST",
        "/",
        &[("my-header1", "value1")],
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        "c09d07e0d55871f10f2a6d350d994acf6825a3cae70673d7def55616e6119dd7",
    ),
    (
        "post-header-value-case",
        "POST",
        "/",
        &[("my-header1", "VALUE1")],
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        "0698bc9e4f7f9139065ba2909c0e99da257e8e2a42492a097bcd46d792391fed",
    ),
];

/// What is signed: the headers' names, in order and each once.
fn signed(headers: &[(&str, &str)]) -> Vec<String> {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name.to_string()).collect();
    names.sort();
    names.dedup();
    names
}

/// Both sides: the signature is accepted, and it is the one that is made.
fn check_header(name: &str, sent: Sent<'_>, headers: &[(&str, &str)], signature: &str) {
    let unsigned = [&[("host", "example.amazonaws.com")], headers].concat();
    let made = Sent { headers: &unsigned, ..sent }.sign(NOW_MS, KEY, "us-east-1", "service");
    let mut headers = [&[("host", "example.amazonaws.com"), ("x-amz-date", DATE)], headers].concat();
    let names = signed(&headers).join(";");
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={names}, Signature={signature}");
    assert_eq!(made, authorization, "{name}");
    headers.push(("authorization", &authorization));
    let verified = Sent { headers: &headers, ..sent }.verify(NOW_MS, KEY).expect(name);
    assert_eq!(
        (&*verified.access_key, &*verified.region, &*verified.service),
        (KEY.0, "us-east-1", "service")
    );
}

fn check_query(name: &str, sent: Sent<'_>, headers: &[(&str, &str)], more: &str, signature: &str) {
    let headers = [&[("host", "example.amazonaws.com")], headers].concat();
    let names = signed(&headers).join("%3B");
    let and = if sent.target.contains('?') { '&' } else { '?' };
    let target = format!(
        "{}{and}X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={DATE}&X-Amz-SignedHeaders={names}\
         &X-Amz-Expires=3600{more}&X-Amz-Signature={signature}",
        sent.target,
        SCOPE.replace('/', "%2F"),
    );
    let sent = Sent { target: &target, headers: &headers, ..sent };
    assert!(sent.verify(NOW_MS + 3_600_000, KEY).is_ok(), "{name}, presigned");
}

#[test]
fn the_suites_signatures_are_accepted() {
    for (name, method, target, headers, in_header, in_query) in [PATHS, QUERIES, HEADERS].concat() {
        let sent = Sent { method, target, headers: &[], body: "" };
        check_header(name, sent, headers, in_header);
        check_query(name, sent, headers, "", in_query);
    }
}

#[test]
fn unreserved_characters_stand_for_themselves() {
    let path = format!("/{UNRESERVED}");
    let sent = Sent { method: "GET", target: &path, headers: &[], body: "" };
    let signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f";
    check_header("get-unreserved", sent, &[], signature);
    let signature = "95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005";
    check_query("get-unreserved", sent, &[], "", signature);
    let query = format!("/?{UNRESERVED}={UNRESERVED}");
    let sent = Sent { target: &query, ..sent };
    let signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197";
    check_header("get-vanilla-query-unreserved", sent, &[], signature);
    let signature = "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf";
    check_query("get-vanilla-query-unreserved", sent, &[], "", signature);
}

#[test]
fn a_session_token_is_a_header_like_any_other() {
    let sent = Sent { method: "GET", target: "/", headers: &[], body: "" };
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";
    check_header("get-vanilla-with-session-token", sent, &[("x-amz-security-token", token)], signature);
    let signature = "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c";
    let more = format!("&X-Amz-Security-Token={token}");
    check_query("get-vanilla-with-session-token", sent, &[], &more, signature);
}

#[test]
fn bodies_are_signed() {
    let forms = [
        (
            "application/x-www-form-urlencoded",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            "89a40deed0f26f9461242825a082d2222717248abc7ab41f552ad84a94ad46e9",
        ),
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
            "0dbeb9b026c7b6675f266b8427efec9b4fa8b1f6ef1477d717aea231106eab4d",
        ),
    ];
    let hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    let sent = Sent { method: "POST", target: "/", headers: &[], body: "Param1=value1" };
    for (content_type, in_header, in_query) in forms {
        let headers =
            [("content-type", content_type), ("content-length", "13"), ("x-amz-content-sha256", hash)];
        check_header(content_type, sent, &headers, in_header);
        check_query(content_type, sent, &headers[..2], "", in_query);
    }
}
