//! GetTopicAttributes and SetTopicAttributes.

use super::find::{Right, Topic, find, invalid, topic_arn};
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Output};
use crate::sns::subscription::records;
use leveret_core::broker::Access;
use serde_json::json;

/// The attributes that can be set, and whether only a FIFO topic has them.
const SETTABLE: [(&str, bool); 14] = [
    ("DisplayName", false),
    ("Policy", false),
    ("DeliveryPolicy", false),
    ("KmsMasterKeyId", false),
    ("SignatureVersion", false),
    ("TracingConfig", false),
    ("MaximumMessageSize", false),
    ("SQSSuccessFeedbackRoleArn", false),
    ("SQSSuccessFeedbackSampleRate", false),
    ("SQSFailureFeedbackRoleArn", false),
    ("FifoTopic", true),
    ("ContentBasedDeduplication", true),
    ("FifoThroughputScope", true),
    ("ArchivePolicy", true),
];

pub(in crate::sns) fn get_topic_attributes<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = find(context, call, "TopicArn", Right::Read)?;
    Ok(Output::new().entries("Attributes", shown(context, &topic)))
}

pub(in crate::sns) fn set_topic_attributes<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = find(context, call, "TopicArn", Right::Configure)?;
    let name = call.params.text("AttributeName")?.unwrap_or_default();
    let value = call.params.text("AttributeValue")?.unwrap_or_default();
    if name == "FifoTopic" {
        return Err(invalid("AttributeName"));
    }
    check(name, value, topic.is_fifo()).map_err(invalid)?;
    let mut attributes = topic.attributes.clone();
    attributes.set(name, value);
    topic.set(context, attributes)?;
    Ok(Output::new())
}

/// Whether an attribute may be set to a value; the reason if not.
pub(super) fn check(name: &str, value: &str, fifo: bool) -> Result<(), String> {
    let word = |words: &[&str]| match words.contains(&value) {
        true => Ok(()),
        false => Err(format!("{name}: invalid value")),
    };
    match SETTABLE.iter().find(|(known, _)| *known == name) {
        None => Err("AttributeName".into()),
        Some((_, true)) if !fifo => Err(format!("Unknown Attribute {name}: only a FIFO topic has it")),
        Some(_) => match name {
            "SignatureVersion" => word(&["1", "2"]),
            "FifoTopic" | "ContentBasedDeduplication" => word(&["true", "false"]),
            "FifoThroughputScope" => word(&["Topic", "MessageGroup"]),
            "TracingConfig" => word(&["PassThrough", "Active"]),
            "MaximumMessageSize" => match value.parse::<u32>() {
                Ok(1_024..=1_048_576) => Ok(()),
                _ => Err(format!("{name}: invalid value")),
            },
            _ => Ok(()),
        },
    }
}

/// All attributes of a topic, as a client sees them.
pub(super) fn shown<A: Access>(context: &Context<'_, A>, topic: &Topic) -> Vec<(String, String)> {
    let arn = topic_arn(context, &topic.name);
    let account = &*context.identity.account;
    let policy = json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes"],
            "Resource": arn,
            "Condition": { "StringEquals": { "AWS:SourceOwner": account } },
        }],
    });
    let retries = json!({
        "http": { "defaultHealthyRetryPolicy": { "minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3 } }
    });
    let count = records(topic).count();
    let mut all = vec![
        ("TopicArn".to_owned(), arn),
        ("Owner".to_owned(), account.to_owned()),
        ("DisplayName".to_owned(), String::new()),
        ("Policy".to_owned(), policy.to_string()),
        ("EffectiveDeliveryPolicy".to_owned(), retries.to_string()),
        ("SubscriptionsConfirmed".to_owned(), count.to_string()),
        ("SubscriptionsPending".to_owned(), "0".to_owned()),
        ("SubscriptionsDeleted".to_owned(), "0".to_owned()),
    ];
    if topic.is_fifo() {
        all.push(("FifoTopic".to_owned(), "true".to_owned()));
        all.push(("ContentBasedDeduplication".to_owned(), "false".to_owned()));
    }
    for (name, _) in SETTABLE {
        let Some(value) = topic.attributes.get(name) else { continue };
        all.retain(|(known, _)| known != name);
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}
