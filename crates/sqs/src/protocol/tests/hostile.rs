//! Requests that nobody sends in good faith: the right error, no panic, and no more memory than a request may take.

use super::*;
use crate::tests::random::Random;

/// Calls every accessor for every name that the seeds have. What they answer does not matter.
fn read_all(params: &Params, depth: u32) {
    for name in
        ["QueueUrl", "Entries", "E", "MessageAttributes", "MessageAttribute", "Attributes", "Names", "N", "X"]
    {
        let _any =
            (params.text(name), params.required(name), params.int(name), params.flag(name), params.has(name));
        let _any = (params.texts(name, name), params.map(name, name, "key", "value"));
        let _any = params.attributes(name, name);
        for entry in params.list(name, name).into_iter().flatten().take(4) {
            if depth > 0 {
                read_all(&entry, depth - 1);
            }
        }
    }
}

/// Reads the request as far as it goes, and answers it either way. Answers in JSON have to be JSON.
fn answer(request: &Request<'_>) {
    let response = match parse(request) {
        Ok(call) => {
            read_all(&call.params, 2);
            let texts = vec![call.action.clone(), call.path_queue.clone().unwrap_or_default()];
            success(&call, &Output::new().texts("Names", "Name", texts), "r")
        }
        Err(malformed) => failure(malformed.protocol, malformed.service, &malformed.error, "r"),
    };
    assert!(response.status == 200 || (400..500).contains(&response.status));
    let text = std::str::from_utf8(&response.body).unwrap();
    if response.content_type.contains("json") {
        serde_json::from_str::<serde_json::Value>(text).unwrap();
    } else {
        assert!(text.ends_with('>'));
    }
}

fn mutated(dice: &mut Random, seed: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 16] = [
        b"\"", b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b"null", b"-1e999", b"%", b"%ff", b"&", b"=",
        b".1.", b"\xff", b"\0",
    ];
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.splice(at..at, PIECES[dice.below(PIECES.len())].iter().copied()).for_each(drop),
            2 => {
                let end = (at + dice.below(8)).min(bytes.len());
                bytes.drain(at..end).for_each(drop);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = dice.below(256) as u8;
                }
            }
        }
    }
    bytes
}

#[test]
fn mutations_do_not_panic() {
    const JSON: &[u8] =
        br#"{"QueueUrl":"q","Entries":[{"Id":"a","E":[{"X":1}],"MessageAttributes":{"n":{"DataType":"Binary",
        "BinaryValue":"AP8="}}}],"Attributes":{"a":"b"},"Names":["x","\u00e9"],"N":5,"X":true}"#;
    const FORM: &[u8] =
        b"Action=X&Version=2010-03-31&QueueUrl=q&E.1.Id=a&E.1.MessageAttribute.1.Name=n&N=5&X=true\
        &E.1.MessageAttribute.1.Value.BinaryValue=AP8%3D&Names.member.1=x+y&Attributes.entry.1.key=a";
    const PATH: &[u8] = b"/000000000000/a%20b";
    let mut dice = Random(0x1e7e_2e70);
    for _ in 0..4_000 {
        let target: [(&str, &[u8]); 1] = [("x-amz-target", b"AmazonSQS.SendMessageBatch")];
        let body = mutated(&mut dice, JSON);
        answer(&Request { method: "POST", path: "/", query: "", headers: &target, body: &body });
        let target = mutated(&mut dice, b"AmazonSQS.SendMessage");
        answer(&Request {
            method: "POST",
            path: "/",
            query: "",
            headers: &[("x-amz-target", &target)],
            body: JSON,
        });
        let body = mutated(&mut dice, FORM);
        let query = mutated(&mut dice, FORM);
        let path = mutated(&mut dice, PATH);
        let authorization =
            mutated(&mut dice, b"AWS4-HMAC-SHA256 Credential=AK/20261124/eu-west-1/sns/aws4_request");
        let (query, path) = (String::from_utf8_lossy(&query), String::from_utf8_lossy(&path));
        let headers: [(&str, &[u8]); 1] = [("authorization", &authorization)];
        answer(&Request { method: "GET", path: &path, query: &query, headers: &[], body: b"" });
        answer(&Request { method: "POST", path: "/", query: "", headers: &headers, body: &body });
    }
}

#[test]
fn a_json_body_may_not_be_deep() {
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(json_call("AmazonSQS.X", deep(100)).is_ok());
    for levels in [200, 1_000_000] {
        let error = json_call("AmazonSQS.X", deep(levels)).unwrap_err().error;
        assert_eq!(error.code, Code::SERIALIZATION);
        assert!(error.message.contains("recursion limit"), "{}", error.message);
    }
}

/// `{"":0}` takes hundreds of bytes in memory: two megabytes of it would take nearly two hundred.
#[test]
fn a_json_body_may_not_have_many_values() {
    let list = |unit: &str, count: usize| format!("{{\"a\":[{}]}}", vec![unit; count].join(","));
    assert!(json_call("AmazonSQS.X", list("0", 9_998)).is_ok());
    for body in
        [list("0", 9_999), list("{\"\":0}", 5_000), list("[]", 300_000), list("{\"\":{\"\":0}}", 300_000)]
    {
        let error = json_call("AmazonSQS.X", &body).unwrap_err().error;
        assert_eq!(error.code, Code::SERIALIZATION);
        assert!(error.message.contains("more than 10000 values"), "{}", error.message);
    }
    // A long text is one value.
    let long = format!("{{\"MessageBody\":\"{}\"}}", "[0],".repeat(1 << 18));
    assert_eq!(json(&long).text("MessageBody").unwrap().map(str::len), Some(1 << 20));
}

#[test]
fn a_form_may_not_have_many_fields() {
    let fields = |count: usize| format!("Action=X{}", "&a".repeat(count));
    assert!(form_call("/", "", fields(9_999)).is_ok());
    for (query, body) in
        [(String::new(), fields(10_000)), (fields(5_000), fields(5_000)), (fields(1_000_000), String::new())]
    {
        let error = form_call("/", &query, body).unwrap_err().error;
        assert_eq!(error.code, Code::MALFORMED_QUERY);
        assert_eq!(error.message, "The form of the request has more than 10000 fields.");
    }
}
