//! Who may do what.

use super::client::Client;
use leveret_core::Time;
use leveret_core::broker::Access;
use leveret_core::catalog::PermissionPatterns;
use serde_json::json;

#[test]
fn on_this_machine_anything_is_accepted_until_somebody_has_a_key() {
    let mut client = Client::new();
    client.queue("q", json!({}));
    let Time(now) = client.world.now();
    let (made, _) = client
        .world
        .change(|catalog| catalog.create_access_key("LKIAAAAAAAAAAAAAAAAA", "secret", "guest", now));
    made.unwrap();
    assert_eq!(client.error("ListQueues", &json!({})), "MissingAuthenticationTokenException");
    let (status, said) = client.form("Action=ListQueues");
    assert!(status == 403 && said.contains("<Code>MissingAuthenticationToken</Code>"), "{said}");
}

#[test]
fn from_elsewhere_nothing_is_accepted_without_a_signature() {
    let mut client = Client::new();
    client.loopback = false;
    assert_eq!(client.error("ListQueues", &json!({})), "MissingAuthenticationTokenException");
}

#[test]
fn a_vhost_of_twelve_digits_is_an_account_of_its_own() {
    let mut client = Client::new();
    let kind = leveret_core::catalog::QueueKind::Classic;
    let (made, _) = client.world.change(|catalog| catalog.put_vhost("111122223333", "", Vec::new(), kind));
    made.unwrap();
    let (permitted, _) = client.world.change(|catalog| {
        let all = PermissionPatterns { configure: ".*", write: ".*", read: ".*" };
        catalog.put_permission("guest", "111122223333", all)
    });
    permitted.unwrap();
    client.queue("q", json!({}));
    let authorization = "AWS4-HMAC-SHA256 Credential=111122223333/20261124/eu-west-3/sqs/aws4_request, \
                         SignedHeaders=host, Signature=00";
    let headers: [(&str, &[u8]); 2] =
        [("x-amz-target", b"AmazonSQS.CreateQueue"), ("authorization", authorization.as_bytes())];
    let body = br#"{"QueueName":"theirs"}"#;
    let request = crate::http::Request { method: "POST", path: "/", query: "", headers: &headers, body };
    let made = client.send(&request).unwrap();
    assert!(String::from_utf8(made.body).unwrap().contains("/111122223333/theirs"));
    let listed = client.done("ListQueues", &json!({}));
    assert_eq!(listed["QueueUrls"].as_array().unwrap().len(), 1, "each account sees its own");
}
