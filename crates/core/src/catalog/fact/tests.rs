//! The bytes of facts: every one comes back as it was, what is malformed is named, and old bytes keep their meaning.

use super::*;
use crate::catalog::access::HashAlgorithm;
use crate::catalog::state::MoveStatus;
use crate::catalog::tests::{catalog, table};
use crate::catalog::{CATALOG_FACTS, CatalogReplay};
use crate::wire::Value;

/// One fact of each number.
fn one_of_each() -> Vec<Fact> {
    let name = || Arc::<str>::from("ü");
    let arguments =
        || table([("x-max-length", Value::I32(7)), ("nested", table([("k", Value::Void)]).into())]);
    vec![
        Fact::SerialsReserved { below: u64::MAX },
        Fact::ParameterPut { name: name(), value: b"{\"a\":1}".as_slice().into() },
        Fact::ParameterCleared { name: name() },
        Fact::VhostPut {
            name: name(),
            description: "".into(),
            tags: vec!["a".into(), "b".into()],
            default_queue_kind: QueueKind::Quorum,
        },
        Fact::VhostLimitsSet {
            name: name(),
            limits: VhostLimits { max_connections: Some(0), max_queues: None },
        },
        Fact::VhostDeleted { name: name() },
        Fact::UserPut {
            name: name(),
            password: Some(PasswordHash { algorithm: HashAlgorithm::Md5, bytes: [0, 255].as_slice().into() }),
            tags: vec![],
        },
        Fact::UserLimitsSet {
            name: name(),
            limits: UserLimits { max_connections: None, max_channels: Some(u32::MAX) },
        },
        Fact::UserDeleted { name: name() },
        Fact::PermissionPut {
            user: name(),
            vhost: name(),
            configure: "a".into(),
            write: "b".into(),
            read: "c".into(),
        },
        Fact::PermissionCleared { user: name(), vhost: name() },
        Fact::TopicPermissionPut {
            user: name(),
            vhost: name(),
            exchange: name(),
            write: "w".into(),
            read: "r".into(),
        },
        Fact::TopicPermissionCleared { user: name(), vhost: name(), exchange: Some(name()) },
        Fact::PolicyPut {
            vhost: name(),
            scope: PolicyScope::Operator,
            name: name(),
            pattern: ".*".into(),
            apply_to: ApplyTo::Streams,
            priority: i64::MIN,
            definition: arguments(),
        },
        Fact::PolicyCleared { vhost: name(), scope: PolicyScope::User, name: name() },
        Fact::ExchangeDeclared {
            vhost: name(),
            name: name(),
            kind: "topic".into(),
            durable: true,
            auto_delete: false,
            internal: true,
            arguments: arguments(),
        },
        Fact::ExchangeDeleted { vhost: name(), name: name() },
        Fact::QueueDeclared {
            id: QueueId(1 << 48 | 5),
            vhost: name(),
            name: name(),
            kind: QueueKind::Classic,
            durable: false,
            auto_delete: true,
            exclusive_owner: Some(ConnectionId(9)),
            arguments: arguments(),
        },
        Fact::QueueDeleted { id: QueueId(3) },
        Fact::Bound {
            vhost: name(),
            source: name(),
            kind: DestinationKind::Exchange,
            destination: name(),
            routing_key: "a.#".into(),
            arguments: arguments(),
        },
        Fact::Unbound {
            vhost: name(),
            source: name(),
            kind: DestinationKind::Queue,
            destination: name(),
            routing_key: "".into(),
            arguments: Table::new(),
        },
        Fact::VhostProtectionSet { name: name(), protected: true },
        Fact::QueueAttributesSet { id: QueueId(4), attributes: attributes() },
        Fact::ExchangeAttributesSet { vhost: name(), name: name(), attributes: attributes() },
        Fact::MoveTaskPut { id: name(), task: move_task() },
        Fact::MoveTaskForgotten { id: name() },
        Fact::AccessKeyPut { key: access_key() },
        Fact::AccessKeyDeleted { id: name() },
        Fact::QueueNameRetired { vhost: name(), name: name(), at: Time(7) },
    ]
}

fn attributes() -> Attributes {
    let of = |name: &str, value: &str| [(name.into(), value.into())].into();
    Attributes { values: of("Fair", "true"), tags: of("team", "") }
}

fn move_task() -> MoveTask {
    MoveTask {
        vhost: "/".into(),
        source: "dead".into(),
        destination: None,
        rate: Some(500),
        started_at: u64::MAX,
        messages: 3,
        moved: 2,
        status: MoveStatus::Failed,
        failure: Some("the queue is gone".into()),
    }
}

fn access_key() -> AccessKey {
    AccessKey { id: "LKIA".into(), secret: "s/+".into(), user: "ü".into(), created_at: u64::MAX }
}

fn encoded(facts: &[Fact]) -> Vec<u8> {
    let mut bytes = Vec::new();
    facts.iter().for_each(|fact| fact.encode(&mut bytes));
    bytes
}

fn decoded(bytes: &[u8]) -> Result<Vec<Fact>, FactError> {
    let mut facts = Vec::new();
    Fact::decode_all(bytes, &mut |fact| facts.push(fact))?;
    Ok(facts)
}

#[test]
fn every_fact_comes_back_as_it_was() {
    let facts = one_of_each();
    let numbers: Vec<_> = facts.iter().map(Fact::number).collect();
    let every: Vec<u16> = (1..=22).chain(40..=46).collect();
    assert_eq!(numbers, every, "a fact of each number is here");
    assert_eq!(decoded(&encoded(&facts)), Ok(facts));
}

/// Logs are kept for years: these bytes mean what they meant when they were first written.
#[test]
fn a_facts_bytes_never_change() {
    let bound = Fact::Bound {
        vhost: "/".into(),
        source: "x".into(),
        kind: DestinationKind::Queue,
        destination: "q".into(),
        routing_key: "k".into(),
        arguments: table([("a", Value::Bool(true))]),
    };
    let written = b"\x00\x14\x00\x00\x00\x1d\
        \x00\x00\x00\x01/\x00\x00\x00\x01x\x00\x00\x00\x00\x01q\x00\x00\x00\x01k\x00\x00\x00\x04\x01at\x01";
    assert_eq!(encoded(std::slice::from_ref(&bound)), written);
    assert_eq!(decoded(written), Ok(vec![bound]));

    let limits = VhostLimits { max_connections: Some(3), max_queues: None };
    let set = Fact::VhostLimitsSet { name: "v".into(), limits };
    assert_eq!(encoded(&[set]), b"\x00\x05\x00\x00\x00\x0b\x00\x00\x00\x01v\x01\x00\x00\x00\x03\x00");
}

#[test]
fn bytes_that_end_early_are_an_error_wherever_they_end() {
    for fact in one_of_each() {
        let whole = encoded(std::slice::from_ref(&fact));
        for end in 1..whole.len() {
            assert!(matches!(decoded(&whole[..end]), Err(FactError::Malformed { .. })), "{fact:?} to {end}");
        }
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let whole = encoded(&one_of_each());
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            // Whatever it says now: nothing, another fact, or an error.
            let mut replay = CatalogReplay::default();
            let _ = replay.restore(&damaged);
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let unknown = decoded(b"\xff\xff\x00\x00\x00\x00").unwrap_err();
    assert_eq!(unknown, FactError::UnknownFact { number: 65_535 });
    assert_eq!(unknown.to_string(), "the catalog holds an unknown fact 65535");
    let longer = decoded(b"\x00\x13\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x03!").unwrap_err();
    assert_eq!(longer.to_string(), "fact 19 of the catalog is malformed: 1 bytes too many at the end");
    let text = "fact 0 of the catalog is malformed: a value of 2 bytes is cut short after 1";
    assert_eq!(decoded(b"\x00").unwrap_err().to_string(), text);
}

#[test]
fn records_of_a_newer_broker_are_refused_and_those_of_others_passed_over() {
    let mut replay = CatalogReplay::default();
    let newer = Tag { kind: CATALOG_FACTS, version: FACT_VERSION + 1 };
    let error = replay.replay(newer, b"").unwrap_err();
    assert_eq!(error, FactError::NewerVersion { version: FACT_VERSION + 1 });
    assert!(replay.replay(Tag { kind: CATALOG_FACTS + 1, version: 9 }, b"not facts").is_ok());
}

/// Facts about things that are not there, or that were applied before, change nothing.
#[test]
fn facts_can_be_applied_twice_and_out_of_place() {
    let once = {
        let mut replay = CatalogReplay::default();
        replay.restore(&catalog().checkpoint()).unwrap();
        replay.restore(&encoded(&one_of_each())).unwrap();
        replay.state
    };
    let checkpoint = |state: &crate::catalog::state::State| {
        let mut facts = Vec::new();
        state.facts(&mut |fact| facts.push(fact));
        facts
    };
    let mut twice = CatalogReplay { state: once };
    let first = checkpoint(&twice.state);
    twice.restore(&encoded(&one_of_each())).unwrap();
    assert_eq!(checkpoint(&twice.state), first);
}
