//! What cannot be brought into force: one thing that this broker cannot have is passed over and named, what is wrong ends
//! the import and is named.

use super::*;

#[tokio::test]
async fn what_cannot_be_made_is_passed_over_and_says_why() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let file = r#"{
          "vhosts": [{"name": "/", "default_queue_type": "stream"}],
          "exchanges": [
            {"name": "", "type": "direct"},
            {"name": "amq.topic", "type": "topic"},
            {"name": "amq.rabbitmq.log", "type": "topic", "internal": true},
            {"name": "ring", "type": "x-ring"}
          ],
          "queues": [
            {"name": "never", "arguments": {"x-message-ttl": -1}},
            {"name": "quick", "type": "turbo"},
            {"name": "amq.gen-1"},
            {"name": "good"}
          ],
          "bindings": [
            {"source": "", "destination": "good", "destination_type": "queue", "routing_key": "good"},
            {"source": "ring", "destination": "good", "destination_type": "queue", "routing_key": ""},
            {"source": "amq.match", "destination": "good", "destination_type": "queue", "routing_key": "",
             "arguments": {"x-match": "most"}},
            {"source": "amq.topic", "destination": "good", "destination_type": "queue", "routing_key": "a"}
          ]}"#;
        let summary = import(&mut turn, file).unwrap();
        let expected = [
            "vhosts[0] '/': streams are not offered by this broker: a queue that names no type is classic",
            "exchanges[2] 'amq.rabbitmq.log': not made: names that begin with 'amq.' are reserved",
            "exchanges[3] 'ring': not made: invalid exchange type 'x-ring'",
            "queues[0] 'never': not made: invalid arg 'x-message-ttl' for queue 'never' in vhost '/': \
             {value_negative,-1}",
            "queues[1] 'quick': not made: invalid arg 'x-queue-type' for queue 'quick' in vhost '/': \
             \"unsupported queue type 'turbo'\"",
            "queues[2] 'amq.gen-1': not made: names that begin with 'amq.' are reserved",
            "bindings[1] 'ring': not made: no exchange 'ring' in vhost '/'",
            "bindings[2] 'amq.match': not made: ",
        ];
        assert_eq!(summary.warnings.len(), expected.len(), "{:#?}", summary.warnings);
        for (warning, expected) in summary.warnings.iter().zip(expected) {
            assert!(warning.starts_with(expected), "{warning}");
        }
        assert_eq!(summary.entries, 6);
        let catalog = turn.catalog();
        assert_eq!(catalog.queues("/").len(), 1);
        assert_eq!(catalog.bindings("/").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_there_but_different_stays_and_is_named() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let first = r#"{"exchanges": [{"name": "x", "type": "topic"}], "queues": [{"name": "q"}]}"#;
        import(&mut turn, first).unwrap();
        let before = turn.catalog().checkpoint();
        let other = r#"{
          "exchanges": [{"name": "x", "type": "fanout"}],
          "queues": [{"name": "q", "arguments": {"x-max-length": 1}}, {"name": "q", "durable": false}]}"#;
        let warnings = import(&mut turn, other).unwrap().warnings;
        let stays = |entry: &str, arg: &str| format!("{entry}: stays as it is: inequivalent arg '{arg}'");
        let expected = [
            stays("exchanges[0] 'x'", "type"),
            stays("queues[0] 'q'", "x-max-length"),
            stays("queues[1] 'q'", "durable"),
        ];
        assert!(
            warnings.len() == 3 && warnings.iter().zip(&expected).all(|(is, to_be)| is.starts_with(to_be)),
            "{warnings:#?}"
        );
        assert!(turn.catalog().checkpoint() == before);
    })
    .await;
}

#[tokio::test]
async fn queues_beyond_the_limit_of_their_vhost_are_not_made() {
    with_broker(|broker| {
        let mut turn = broker.turn();
        let file = r#"{"vhosts": [{"name": "/", "limits": {"max-queues": 1}}],
            "queues": [{"name": "one"}, {"name": "two"}]}"#;
        let warnings = import(&mut turn, file).unwrap().warnings;
        assert!(warnings[0].starts_with("queues[1] 'two': not made: "), "{warnings:?}");
        assert_eq!((warnings.len(), turn.catalog().queues("/").len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    with_broker(|broker| {
        let cases = [
            ("{", "not JSON"),
            ("[]", "the file: expected an object"),
            (r#"{"queues": {}}"#, "queues: expected a list"),
            (r#"{"queues": [1]}"#, "queues[0]: expected an object"),
            (r#"{"queues": [{"name": "q", "durable": "yes"}]}"#, "queues[0] 'q', durable: expected true or false"),
            (r#"{"users": [{"name": "u", "password_hash": "%"}]}"#, "users[0] 'u': the password hash is not in base64"),
            (r#"{"users": [{"name": "u", "password_hash": "AAAA", "hashing_algorithm": "rot13"}]}"#, "the password hash is not of a known algorithm"),
            (r#"{"users": [{"name": "u", "password_hash": "AAAA", "password": "p"}]}"#, "users[0] 'u': both a password and a password hash are given"),
            (r#"{"users": [{"name": "u", "limits": {"max-channels": "many"}}]}"#, "users[0] 'u', limits, max-channels: expected a whole number"),
            (r#"{"vhosts": [{"name": "v", "limits": ["max-queues"]}]}"#, "vhosts[0] 'v', limits: expected an object"),
            (r#"{"vhosts": [{"name": "v", "metadata": {"default_queue_type": "fast"}}]}"#, "vhosts[0] 'v', default_queue_type: expected 'classic', 'quorum' or 'stream'"),
            (r#"{"original_vhost_name": "v", "metadata": {"protected_from_deletion": 1}}"#, "the file's vhost 'v', protected_from_deletion: expected true or false"),
            (r#"{"bindings": [{"source": "amq.topic", "destination": "q", "destination_type": "topic"}]}"#, "bindings[0] 'amq.topic', destination_type: expected 'queue' or 'exchange'"),
            (r#"{"parameters": [{"vhost": "/", "component": "vhost-limits", "name": "limits"}]}"#, "parameters[0] 'limits' in vhost '/', value: expected an object"),
            (r#"{"permissions": [{"user": "nobody", "vhost": "/", "configure": "", "write": "", "read": ""}]}"#, "permissions[0] 'nobody' in vhost '/'"),
            (r#"{"queues": [{"name": "q", "vhost": "nowhere"}]}"#, "queues[0] 'q' in vhost 'nowhere'"),
        ];
        for (text, expected) in cases {
            let error = import(&mut broker.turn(), text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    })
    .await;
}
