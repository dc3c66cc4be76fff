//! Policies: which one applies, what they may set, and what is in effect under them.

use super::*;
use crate::catalog::tests::{add_queue, assert_refused, catalog, durable, guest, number, quorum, table};
use crate::catalog::{DeclareQueue, PolicyScope::*};
use crate::settings::{DelayedRetry, Overflow, RetryOn};
use crate::wire::Value;
use crate::{Cause, QueueSettings};

/// A policy for every queue.
fn policy<const N: usize>(definition: [(&'static str, Value); N]) -> NewPolicy<'static> {
    NewPolicy { name: "p", pattern: ".*", apply_to: ApplyTo::All, priority: 0, definition: table(definition) }
}

fn ttl(ms: i64) -> [(&'static str, Value); 1] {
    [("message-ttl", Value::I64(ms))]
}

fn ttl_of(catalog: &Catalog, queue: &str) -> Option<u64> {
    catalog.queue("/", queue).unwrap().settings.message_ttl_ms
}

/// The settings of a queue under a policy and an operator policy.
fn effective<const U: usize, const O: usize>(
    declare: DeclareQueue,
    user: [(&'static str, Value); U],
    operator: [(&'static str, Value); O],
) -> QueueSettings {
    let mut catalog = catalog();
    if U > 0 {
        catalog.put_policy("/", User, policy(user)).unwrap();
    }
    if O > 0 {
        catalog.put_policy("/", Operator, policy(operator)).unwrap();
    }
    catalog.declare_queue(guest(), "/", "q", declare).unwrap();
    catalog.queue("/", "q").unwrap().settings.clone()
}

fn classic<const N: usize>(arguments: [(&'static str, Value); N]) -> DeclareQueue {
    durable(table(arguments))
}

#[test]
fn the_policy_of_the_highest_priority_applies_alone() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "logs.error");
    let low =
        NewPolicy { name: "low", priority: 1, definition: table([("max-length", number(9))]), ..policy([]) };
    let high = NewPolicy { name: "high", priority: 2, pattern: "log", ..policy(ttl(5)) };
    catalog.put_policy("/", User, high).unwrap();
    catalog.put_policy("/", User, low).unwrap();
    let queue = catalog.queue("/", "logs.error").unwrap();
    assert_eq!(queue.policy.as_deref(), Some("high"), "found in the middle of the name");
    assert_eq!((queue.settings.message_ttl_ms, queue.settings.max_length), (Some(5), None));

    catalog.clear_policy("/", User, "high").unwrap();
    let queue = catalog.queue("/", "logs.error").unwrap();
    assert_eq!(queue.policy.as_deref(), Some("low"));
    assert_eq!((queue.settings.message_ttl_ms, queue.settings.max_length), (None, Some(9)));
}

#[test]
fn a_pattern_is_anchored_only_where_it_says_so() {
    let mut catalog = catalog();
    add_queue(&mut catalog, "my-jobs");
    catalog.put_policy("/", User, NewPolicy { pattern: "^jobs", ..policy(ttl(5)) }).unwrap();
    assert_eq!(ttl_of(&catalog, "my-jobs"), None);
    catalog.put_policy("/", User, NewPolicy { pattern: "jobs$", ..policy(ttl(5)) }).unwrap();
    assert_eq!(ttl_of(&catalog, "my-jobs"), Some(5), "the same name puts it in the place of the first");
    assert_eq!(catalog.policies("/", User).count(), 1);
}

#[test]
fn a_policy_is_for_kinds_of_things() {
    let cases = [
        (ApplyTo::All, true, true),
        (ApplyTo::Queues, true, true),
        (ApplyTo::ClassicQueues, true, false),
        (ApplyTo::QuorumQueues, false, true),
        (ApplyTo::Exchanges, false, false),
        (ApplyTo::Streams, false, false),
    ];
    for (apply_to, classic_too, quorum_too) in cases {
        let mut catalog = catalog();
        add_queue(&mut catalog, "classic");
        catalog.declare_queue(guest(), "/", "quorum", quorum([])).unwrap();
        catalog.put_policy("/", User, NewPolicy { apply_to, ..policy(ttl(5)) }).unwrap();
        assert_eq!(ttl_of(&catalog, "classic").is_some(), classic_too, "{apply_to:?}");
        assert_eq!(ttl_of(&catalog, "quorum").is_some(), quorum_too, "{apply_to:?}");
        let exchange = catalog.exchange("/", "amq.topic").unwrap();
        assert_eq!(exchange.policy.is_some(), matches!(apply_to, ApplyTo::All | ApplyTo::Exchanges));
        assert_eq!(ApplyTo::from_name(apply_to.name()), Ok(apply_to));
    }
    let text = "apply-to 'nothing' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', \
                'streams', 'exchanges', or 'all'";
    assert_refused(ApplyTo::from_name("nothing"), Cause::PreconditionFailed, text);
}

#[test]
fn queues_that_changed_are_named_and_only_those() {
    let mut catalog = catalog();
    let a = add_queue(&mut catalog, "a");
    let b = add_queue(&mut catalog, "b");
    catalog.declare_queue(guest(), "/", "c", classic([("x-message-ttl", number(1))])).unwrap();
    let mut changed = [a, b];
    changed.sort();
    assert_eq!(catalog.put_policy("/", User, policy(ttl(5))).unwrap(), changed, "c has less already");
    assert_eq!(catalog.put_policy("/", User, policy(ttl(5))).unwrap(), []);
    let only_a = NewPolicy { pattern: "^a$", ..policy(ttl(5)) };
    assert_eq!(catalog.put_policy("/", User, only_a).unwrap(), [b]);
    assert_eq!(catalog.clear_policy("/", User, "p").unwrap(), [a]);
    let text = "no policy 'p' in vhost '/'";
    assert_refused(catalog.clear_policy("/", User, "p"), Cause::NotFound, text);
}

#[test]
fn the_lowest_limit_holds_wherever_it_is_said() {
    type Read = fn(&QueueSettings) -> Option<u64>;
    let limits: [(&str, &str, Read); 4] = [
        ("x-message-ttl", "message-ttl", |settings| settings.message_ttl_ms),
        ("x-expires", "expires", |settings| settings.expires_ms),
        ("x-max-length", "max-length", |settings| settings.max_length),
        ("x-max-length-bytes", "max-length-bytes", |settings| settings.max_length_bytes),
    ];
    for (argument, key, read) in limits {
        for (by_argument, user, operator) in [(1, 2, 3), (2, 1, 3), (3, 2, 1), (1, 3, 2)] {
            let declare = classic([(argument, number(by_argument))]);
            let settings = effective(declare, [(key, number(user))], [(key, number(operator))]);
            assert_eq!(read(&settings), Some(1), "{key}");
        }
        assert_eq!(read(&effective(classic([(argument, number(4))]), [], [])), Some(4), "{key}");
        assert_eq!(read(&effective(classic([]), [(key, number(4))], [])), Some(4), "{key}");
        assert_eq!(read(&effective(classic([]), [], [(key, number(4))])), Some(4), "{key}");
        assert_eq!(read(&effective(classic([]), [], [])), None, "{key}");
    }
}

#[test]
fn a_policy_cannot_set_what_only_an_argument_can() {
    let mut catalog = catalog();
    for (key, value) in [("single-active-consumer", Value::Bool(true)), ("max-priority", number(3))] {
        let text = format!("[{{<<\"{key}\">>,{}}}] are not recognised policy settings", value.term());
        let answer = catalog.put_policy("/", User, policy([(key, value)]));
        assert_refused(answer, Cause::PreconditionFailed, &text);
    }
}

#[test]
fn the_delivery_limit_is_twenty_unless_something_is_said() {
    let limit = |argument: Option<i32>, user: Option<i32>, operator: Option<i32>| {
        let mut catalog = catalog();
        for (scope, limit) in [(User, user), (Operator, operator)] {
            if let Some(limit) = limit {
                catalog.put_policy("/", scope, policy([("delivery-limit", number(limit))])).unwrap();
            }
        }
        let declare = argument.map_or(classic([]), |limit| classic([("x-delivery-limit", number(limit))]));
        catalog.declare_queue(guest(), "/", "q", declare).unwrap();
        catalog.queue("/", "q").unwrap().settings.delivery_limit
    };
    assert_eq!(limit(None, None, None), Some(20));
    assert_eq!(limit(Some(3), None, None), Some(3));
    assert_eq!(limit(Some(-1), None, None), None, "no limit");
    assert_eq!(limit(Some(0), None, None), Some(0));
    assert_eq!(limit(None, Some(5), None), Some(5), "higher or lower than the default");
    assert_eq!(limit(None, Some(50), None), Some(50));
    assert_eq!(limit(Some(9), Some(5), Some(7)), Some(5));
    assert_eq!(limit(Some(-1), Some(5), None), Some(5), "no limit gives way to a limit");
    assert_eq!(limit(Some(9), Some(-1), Some(-1)), Some(9));
    assert_eq!(limit(Some(-1), Some(-1), Some(-1)), None);
}

#[test]
fn an_argument_wins_where_there_is_no_lowest() {
    let to = |exchange: &'static str, key: &'static str| {
        [("dead-letter-exchange", Value::from(exchange)), ("dead-letter-routing-key", Value::from(key))]
    };
    let declare = classic([("x-dead-letter-exchange", "argument".into())]);
    let target = effective(declare, to("policy", "policy-key"), []).dead_letter.unwrap();
    assert_eq!(&*target.exchange, "argument");
    assert_eq!(target.routing_key.as_deref(), Some("policy-key"), "each setting is looked up by itself");
    let target = effective(classic([]), to("", "k"), []).dead_letter.unwrap();
    assert_eq!((&*target.exchange, target.at_least_once), ("", false));
    let key_alone = effective(classic([]), [("dead-letter-routing-key", "k".into())], []);
    assert_eq!(key_alone.dead_letter, None);
}

#[test]
fn at_least_once_needs_a_queue_that_refuses() {
    let target = |overflow: &'static str| {
        let declare = classic([
            ("x-dead-letter-exchange", "dlx".into()),
            ("x-dead-letter-strategy", "at-least-once".into()),
            ("x-overflow", overflow.into()),
        ]);
        effective(declare, [], []).dead_letter.unwrap().at_least_once
    };
    assert!(target("reject-publish"));
    assert!(!target("drop-head") && !target("reject-publish-dlx"));
}

#[test]
fn overflow_is_the_arguments_word_on_classic_queues_and_the_policys_on_quorum_queues() {
    let by_policy = || [("overflow", Value::from("reject-publish"))];
    let argument = || ("x-overflow", Value::from("drop-head"));
    assert_eq!(effective(classic([argument()]), by_policy(), []).overflow, Overflow::DropHead);
    assert_eq!(effective(quorum([argument()]), by_policy(), []).overflow, Overflow::RejectPublish);
    assert_eq!(effective(classic([]), by_policy(), []).overflow, Overflow::RejectPublish);
    let by_operator = [("overflow", Value::from("reject-publish-dlx"))];
    assert_eq!(effective(classic([]), by_policy(), by_operator).overflow, Overflow::RejectPublishDlx);
    assert_eq!(effective(classic([]), [], []).overflow, Overflow::DropHead);
}

#[test]
fn priorities_are_the_types() {
    let levels = |declare| {
        let settings = effective(declare, [], []);
        (settings.max_priority, settings.default_priority, settings.active_by_priority)
    };
    assert_eq!(levels(classic([])), (0, 0, false));
    assert_eq!(levels(classic([("x-max-priority", number(255))])), (255, 0, false));
    assert_eq!(levels(quorum([])), (31, 4, true));
}

#[test]
fn arguments_of_consumers_and_groups_are_in_effect() {
    let settings = effective(
        classic([
            ("x-single-active-consumer", true.into()),
            ("x-groups", true.into()),
            ("x-consumer-timeout", number(60_000)),
        ]),
        [("consumer-timeout", number(30_000))],
        [],
    );
    assert!(settings.single_active_consumer && settings.groups);
    assert_eq!(settings.consumer_timeout_ms, Some(30_000));
}

#[test]
fn a_delayed_retry_has_a_type_and_a_least_delay() {
    let retry = |min_ms, max_ms| Some(DelayedRetry { on: RetryOn::All, min_ms, max_ms });
    let by_type = ("x-delayed-retry-type", Value::from("all"));
    let min = |ms| ("x-delayed-retry-min", number(ms));
    let max = |ms| ("x-delayed-retry-max", number(ms));
    assert_eq!(effective(classic([by_type.clone()]), [], []).delayed_retry, None);
    assert_eq!(effective(classic([min(5), max(9)]), [], []).delayed_retry, None);
    assert_eq!(effective(classic([by_type.clone(), min(5)]), [], []).delayed_retry, retry(5, 5));
    assert_eq!(effective(classic([by_type.clone(), min(5), max(9)]), [], []).delayed_retry, retry(5, 9));
    let declare = classic([by_type, min(5), max(9)]);
    let disabled = [("delayed-retry-type", Value::from("disabled"))];
    assert_eq!(effective(declare.clone(), disabled.clone(), []).delayed_retry, retry(5, 9));
    let of_quorum = quorum([("x-delayed-retry-type", "all".into()), min(5)]);
    assert_eq!(effective(of_quorum, disabled, []).delayed_retry, None, "the policy has the first word there");
    let raised = [("delayed-retry-min", number(7))];
    let lower = [("delayed-retry-min", number(3))];
    let by_policy = classic([("x-delayed-retry-type", "all".into())]);
    assert_eq!(
        effective(by_policy, lower, raised).delayed_retry,
        retry(7, 7),
        "an operator raises the least delay"
    );
}

#[test]
fn a_definition_is_checked_with_rabbitmqs_texts() {
    let mut catalog = catalog();
    let mut refused = |scope, definition: Table, text: &str| {
        let answer = catalog.put_policy("/", scope, NewPolicy { definition, ..policy([]) });
        assert_refused(answer, Cause::PreconditionFailed, text);
    };
    refused(User, Table::new(), "no policy provided");
    refused(
        User,
        table([("nonsense", number(1))]),
        "[{<<\"nonsense\">>,1}] are not recognised policy settings",
    );
    refused(User, table([("message-ttl", number(-1))]), "-1 is not a valid message TTL");
    refused(User, table([("expires", number(0))]), "0 is not a valid queue expiry");
    refused(User, table([("max-length", "9".into())]), "<<\"9\">> is not a valid maximum length");
    refused(User, table([("overflow", "burst".into())]), "<<\"burst\">> is not a valid overflow value");
    refused(User, table([("alternate-exchange", number(1))]), "1 is not a valid alternate exchange name");
    refused(
        User,
        table([("delayed-retry-type", "all".into())]),
        "delayed-retry-min is required when delayed-retry-type is all",
    );
    refused(
        User,
        table([("delayed-retry-min", number(5)), ("delayed-retry-max", number(4))]),
        "delayed-retry-max (4) must not be smaller than delayed-retry-min (5)",
    );
    // An operator guards limits; it does not say where messages go.
    refused(
        Operator,
        table([("dead-letter-exchange", "dlx".into())]),
        "[{<<\"dead-letter-exchange\">>,<<\"dlx\">>}] are not recognised policy settings",
    );
}

#[test]
fn definitions_of_older_brokers_are_taken_and_mean_nothing() {
    let mut catalog = catalog();
    let queue = add_queue(&mut catalog, "q");
    let before = catalog.queue_by_id(queue).unwrap().settings.clone();
    let mirrored = policy([
        ("ha-mode", "all".into()),
        ("ha-sync-mode", "automatic".into()),
        ("queue-mode", "lazy".into()),
    ]);
    assert_eq!(catalog.put_policy("/", User, mirrored).unwrap(), []);
    assert_eq!(catalog.queue_by_id(queue).unwrap().settings, before);
}

#[test]
fn a_pattern_that_cannot_be_used_is_refused() {
    let mut catalog = catalog();
    let answer = catalog.put_policy("/", User, NewPolicy { pattern: "(", ..policy(ttl(1)) });
    assert_refused(
        answer,
        Cause::PreconditionFailed,
        "'(' is not a pattern that can be used: unclosed group",
    );
    let text = "vhost nowhere not found";
    assert_refused(catalog.put_policy("nowhere", User, policy(ttl(1))), Cause::NotAllowed, text);
}
