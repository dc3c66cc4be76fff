//! The attributes of a queue: which there are, what each may be, and how one that was never set is shown.

use crate::protocol::{ApiError, Code};
use leveret_core::catalog::{Attributes, Queue};

/// What an attribute may be.
enum Takes {
    /// A whole number in a range.
    Number(u64, u64),
    /// One of some words.
    Word(&'static [&'static str]),
    /// JSON; empty to have none. What it says is checked by who knows what it means.
    Json,
    /// Any text.
    Text,
}

/// An attribute that can be set.
struct Settable {
    name: &'static str,
    takes: Takes,
    /// For FIFO queues only.
    fifo: bool,
}

const fn settable(name: &'static str, takes: Takes, fifo: bool) -> Settable {
    Settable { name, takes, fifo }
}

const SETTABLE: [Settable; 15] = [
    settable("VisibilityTimeout", Takes::Number(0, 43_200), false),
    settable("MaximumMessageSize", Takes::Number(1_024, 1_048_576), false),
    settable("MessageRetentionPeriod", Takes::Number(60, 1_209_600), false),
    settable("DelaySeconds", Takes::Number(0, 900), false),
    settable("ReceiveMessageWaitTimeSeconds", Takes::Number(0, 20), false),
    settable("Policy", Takes::Json, false),
    settable("RedrivePolicy", Takes::Json, false),
    settable("RedriveAllowPolicy", Takes::Json, false),
    settable("KmsMasterKeyId", Takes::Text, false),
    settable("KmsDataKeyReusePeriodSeconds", Takes::Number(60, 86_400), false),
    settable("SqsManagedSseEnabled", Takes::Word(&["true", "false"]), false),
    settable("FifoQueue", Takes::Word(&["true"]), true),
    settable("ContentBasedDeduplication", Takes::Word(&["true", "false"]), true),
    settable("DeduplicationScope", Takes::Word(&["queue", "messageGroup"]), true),
    settable("FifoThroughputLimit", Takes::Word(&["perQueue", "perMessageGroupId"]), true),
];

/// What a new queue has, and what one that AMQP declared shows.
const DEFAULTS: [(&str, &str); 6] = [
    ("VisibilityTimeout", "30"),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    ("DelaySeconds", "0"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("SqsManagedSseEnabled", "true"),
];
const FIFO_DEFAULTS: [(&str, &str); 4] = [
    ("FifoQueue", "true"),
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("FifoThroughputLimit", "perQueue"),
];

/// The attributes that are counted or known anyway.
pub(super) const COMPUTED: [&str; 6] = [
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
];

/// All that can be set, in the order in which they are shown.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SETTABLE.iter().map(|attribute| attribute.name)
}

/// Whether a queue has groups with one holder, and a name that says so.
pub(crate) fn is_fifo(queue: &Queue) -> bool {
    queue.settings.groups && queue.name.ends_with(".fifo")
}

/// What a new queue has where nothing else is said.
pub(super) fn of_new_queue(fifo: bool) -> Attributes {
    let mut attributes = Attributes::default();
    for (name, value) in DEFAULTS.iter().chain(FIFO_DEFAULTS.iter().filter(|_| fifo)) {
        attributes.set(name, *value);
    }
    attributes
}

/// An attribute as a client sees it; `None` for one that the queue does not have.
pub(crate) fn shown<'a>(queue: &'a Queue, name: &str) -> Option<&'a str> {
    let default = |table: &'static [(&str, &'static str)]| {
        table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    };
    let fifo = || if is_fifo(queue) { default(&FIFO_DEFAULTS) } else { None };
    // A queue that AMQP declared keeps its messages for ever: it has no retention to show.
    let amqp_has = name != "MessageRetentionPeriod";
    queue.attributes.get(name).or_else(|| default(&DEFAULTS).filter(|_| amqp_has)).or_else(fifo)
}

/// Checks attributes that are to be set, and what they mean to each other and to those that the queue has, if it is
/// there.
///
/// # Errors
/// [`Code::INVALID_ATTRIBUTE_NAME`], [`Code::INVALID_ATTRIBUTE_VALUE`].
pub(super) fn check(wanted: &[(String, String)], fifo: bool, queue: Option<&Queue>) -> Result<(), ApiError> {
    for (name, value) in wanted {
        let unknown = || ApiError::new(Code::INVALID_ATTRIBUTE_NAME, format!("Unknown Attribute {name}."));
        let known = SETTABLE.iter().find(|attribute| attribute.name == name).ok_or_else(unknown)?;
        if known.fifo && !fifo {
            return Err(match name.as_str() {
                "DeduplicationScope" | "FifoThroughputLimit" => ApiError::new(
                    Code::INVALID_ATTRIBUTE_NAME,
                    format!("You can specify the {name} only when FifoQueue is set to true."),
                ),
                _ => unknown(),
            });
        }
        if !known.takes.admits(value) {
            return Err(invalid_value(name));
        }
    }
    let value_of = |name: &str| {
        let given = wanted.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        given.or_else(|| shown(queue?, name))
    };
    let per_group = value_of("FifoThroughputLimit") == Some("perMessageGroupId");
    if per_group && value_of("DeduplicationScope") != Some("messageGroup") {
        return Err(ApiError::new(
            Code::INVALID_ATTRIBUTE_VALUE,
            "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup",
        ));
    }
    Ok(())
}

/// The error for a value that an attribute cannot have.
pub(super) fn invalid_value(name: &str) -> ApiError {
    ApiError::new(Code::INVALID_ATTRIBUTE_VALUE, format!("Invalid value for the parameter {name}."))
}

impl Takes {
    fn admits(&self, value: &str) -> bool {
        match self {
            Takes::Number(min, max) => {
                value.parse::<u64>().is_ok_and(|number| (*min..=*max).contains(&number))
            }
            Takes::Word(words) => words.contains(&value),
            Takes::Json => {
                value.is_empty()
                    || serde_json::from_str::<serde_json::Value>(value).is_ok_and(|value| value.is_object())
            }
            Takes::Text => true,
        }
    }
}

/// Puts attributes in place of those that a queue has. An empty policy takes it away; a key of KMS and SQS's own
/// encryption exclude each other (nothing is encrypted either way: what was set is shown).
pub(super) fn merge(attributes: &mut Attributes, wanted: &[(String, String)]) {
    for (name, value) in wanted {
        let removes = value.is_empty()
            && matches!(name.as_str(), "Policy" | "RedrivePolicy" | "RedriveAllowPolicy" | "KmsMasterKeyId");
        if name == "DelaySeconds" && attributes.get(Attributes::FIRST_DELAY).is_none() {
            let first = attributes.get(name).unwrap_or("0").to_owned();
            attributes.set(Attributes::FIRST_DELAY, first);
        }
        if removes {
            attributes.values.remove(name.as_str());
        } else {
            attributes.set(name, value.as_str());
        }
        match (name.as_str(), value.is_empty()) {
            ("KmsMasterKeyId", false) => attributes.set("SqsManagedSseEnabled", "false"),
            ("KmsMasterKeyId", true) => {
                attributes.values.remove("KmsDataKeyReusePeriodSeconds");
            }
            ("SqsManagedSseEnabled", _) if value == "true" => {
                attributes.values.remove("KmsMasterKeyId");
                attributes.values.remove("KmsDataKeyReusePeriodSeconds");
            }
            ("MessageRetentionPeriod", _) if attributes.get(Attributes::FIRST_RETENTION).is_none() => {
                attributes.set(Attributes::FIRST_RETENTION, value.as_str());
            }
            _ => {}
        }
    }
}
