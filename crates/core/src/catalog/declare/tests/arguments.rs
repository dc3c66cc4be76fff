//! What the arguments of a queue may be.

use super::*;

#[track_caller]
fn assert_invalid(wanted: DeclareQueue, argument: &str, error: &str) {
    let text = format!("invalid arg '{argument}' for queue 'q' in vhost '/'{error}");
    assert_refused(catalog().declare_queue(guest(), "/", "q", wanted), Cause::PreconditionFailed, &text);
}

fn with(argument: &'static str, value: Value) -> DeclareQueue {
    durable(table([(argument, value)]))
}

#[test]
fn a_wrong_value_is_refused_with_rabbitmqs_term() {
    let text = |text: &str| Value::from(text);
    let cases = [
        ("x-expires", number(0), "{value_zero,0}"),
        ("x-expires", number(-1), "{value_negative,-1}"),
        ("x-expires", text("1"), "\"expected integer, got longstr\""),
        ("x-message-ttl", number(-5), "{value_negative,-5}"),
        ("x-message-ttl", Value::I64(315_360_000_001), "{value_too_large,315360000001}"),
        ("x-message-ttl", true.into(), "\"expected integer, got bool\""),
        ("x-max-length", number(-1), "{value_negative,-1}"),
        ("x-max-length-bytes", Value::F64(1.0), "\"expected integer, got double\""),
        ("x-max-priority", number(256), "{max_value_exceeded,256}"),
        ("x-max-priority", number(-1), "{value_negative,-1}"),
        ("x-overflow", text("drop-tail"), "invalid_overflow"),
        ("x-overflow", number(1), "{unacceptable_type,signedint}"),
        ("x-single-active-consumer", text("true"), "{unacceptable_type,longstr}"),
        ("x-dead-letter-routing-key", text("k"), "routing_key_but_no_dlx_defined"),
        ("x-dead-letter-routing-key", number(1), "{unacceptable_type,signedint}"),
        ("x-dead-letter-strategy", text("maybe"), "invalid_dlx_strategy"),
        ("x-queue-type", text("mirrored"), "\"unsupported queue type 'mirrored'\""),
        ("x-queue-type", number(1), "{unacceptable_type,signedint}"),
        ("x-queue-leader-locator", text("nearest"), "invalid_queue_locator_arg"),
        ("x-consumer-timeout", number(-1), "{value_negative,-1}"),
        ("x-delivery-limit", text("3"), "\"expected integer, got longstr\""),
        ("x-groups", number(1), "{unacceptable_type,signedint}"),
        ("x-delayed-retry-type", text("some"), "invalid_delayed_retry_type"),
    ];
    for (argument, value, error) in cases {
        assert_invalid(with(argument, value), argument, &format!(": {error}"));
    }
    assert_invalid(
        quorum([("x-quorum-initial-group-size", number(0))]),
        "x-quorum-initial-group-size",
        ": {value_zero,0}",
    );
    assert_invalid(
        quorum([("x-member-placement-tag", "".into())]),
        "x-member-placement-tag",
        ": invalid_member_placement_tag_arg",
    );
}

#[test]
fn an_argument_of_the_other_type_is_refused() {
    let classic = " of queue type rabbit_classic_queue";
    assert_invalid(with("x-quorum-initial-group-size", number(3)), "x-quorum-initial-group-size", classic);
    assert_invalid(with("x-max-in-memory-length", number(3)), "x-max-in-memory-length", classic);
    let quorum_queue = " of queue type rabbit_quorum_queue";
    assert_invalid(quorum([("x-max-priority", number(3))]), "x-max-priority", quorum_queue);
    assert_invalid(quorum([("x-queue-mode", "lazy".into())]), "x-queue-mode", quorum_queue);
    for stream in ["x-max-age", "x-stream-max-segment-size-bytes", "x-initial-cluster-size"] {
        assert_invalid(with(stream, number(3)), stream, classic);
        assert_invalid(quorum([(stream, number(3))]), stream, quorum_queue);
    }
}

#[test]
fn the_limits_themselves_are_accepted() {
    let mut catalog = catalog();
    let arguments = table([
        ("x-expires", number(1)),
        ("x-message-ttl", number(0)),
        ("x-max-length", number(0)),
        ("x-max-priority", number(255)),
        ("x-delivery-limit", number(-1)),
        ("x-queue-mode", "lazy".into()),
        ("x-queue-version", number(2)),
        ("x-queue-master-locator", "min-masters".into()),
        ("x-custom", Value::Void),
    ]);
    catalog.declare_queue(guest(), "/", "q", durable(arguments.clone())).unwrap();
    assert_eq!(catalog.queue("/", "q").unwrap().arguments, arguments, "what was declared is kept whole");
    let ten_years = with("x-message-ttl", Value::I64(315_360_000_000));
    assert!(catalog.declare_queue(guest(), "/", "old", ten_years).is_ok());
}

/// What Celery declares for its delayed delivery, 28 times.
#[test]
fn celerys_delay_queues_are_accepted() {
    let mut catalog = catalog();
    for level in 0..28i64 {
        let wanted = quorum([
            ("x-dead-letter-strategy", "at-least-once".into()),
            ("x-overflow", "reject-publish".into()),
            ("x-message-ttl", Value::I64((1 << level) * 1_000)),
            ("x-dead-letter-exchange", "celery_delayed_0".into()),
        ]);
        let name = format!("celery_delayed_{level}");
        assert!(catalog.declare_queue(guest(), "/", &name, wanted).unwrap().created);
    }
}
