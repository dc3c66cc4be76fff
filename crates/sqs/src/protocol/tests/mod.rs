//! Bytes in, bytes out, in both protocols.

mod hostile;
mod params;
mod render;
mod request;

use super::*;
use crate::http::Request;

fn json_call(target: &str, body: impl AsRef<[u8]>) -> Result<Call, Malformed> {
    // As botocore has them; the door need not know the last two.
    let headers: [(&str, &[u8]); 3] = [
        ("X-Amz-Target", target.as_bytes()),
        ("Content-Type", b"application/x-amz-json-1.0"),
        ("x-amzn-query-mode", b"true"),
    ];
    parse(&Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_ref() })
}

fn form_call(path: &str, query: &str, body: impl AsRef<[u8]>) -> Result<Call, Malformed> {
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded; charset=utf-8")];
    parse(&Request { method: "POST", path, query, headers: &headers, body: body.as_ref() })
}

/// The parameters of a JSON object, and those of a form.
fn json(fields: &str) -> Params {
    json_call("AmazonSQS.X", fields).unwrap().params
}

fn form(fields: &str) -> Params {
    form_call("/", "Action=X", fields).unwrap().params
}

#[test]
fn control_characters_but_white_space_are_not_text() {
    for good in
        ["", "a\t\r\n", "\u{20}\u{d7ff}\u{e000}\u{fffd}\u{10ffff}", "\u{7f}\u{80}\u{9f}", "\u{feff}\u{ff21}"]
    {
        assert!(is_valid_text(good), "{good:?}");
    }
    for bad in ["\0", "\u{8}", "\u{b}", "\u{c}", "\u{e}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        assert!(!is_valid_text(bad), "{bad:?}");
        // Wherever it is, also behind a character that is as suspicious at first sight.
        for length in 0..70 {
            let text = "x".repeat(length);
            assert!(!is_valid_text(&format!("{text}{bad}{text}")), "{bad:?} behind {length}");
            assert!(!is_valid_text(&format!("\u{ff21}{text}{bad}")), "{bad:?} behind {length}");
        }
    }
}
