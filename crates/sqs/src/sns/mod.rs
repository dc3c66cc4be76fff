//! SNS: topics that fan a message out to queues.
//!
//! A topic is an exchange of the kind `x-sns-topic`, a subscription a binding of it to a queue. What AMQP's arguments
//! cannot hold (they never change) is among the exchange's attributes: those of the topic, and a record of each
//! subscription, which stays when its queue is deleted.

mod publish;
mod subscription;
mod topic;

pub use publish::Signer;

use crate::actions::Context;
use crate::door::unknown;
use crate::protocol::{ApiError, Call, Output};
use leveret_core::broker::Access;

/// Runs an action of SNS.
///
/// # Errors
/// The error that the client gets.
pub(crate) fn run<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Output, ApiError> {
    match call.action.as_str() {
        "Publish" => publish::publish(context, call),
        "PublishBatch" => publish::publish_batch(context, call),
        "CreateTopic" => topic::create_topic(context, call),
        "DeleteTopic" => topic::delete_topic(context, call),
        "ListTopics" => topic::list_topics(context, call),
        "GetTopicAttributes" => topic::get_topic_attributes(context, call),
        "SetTopicAttributes" => topic::set_topic_attributes(context, call),
        "TagResource" => topic::tag_resource(context, call),
        "UntagResource" => topic::untag_resource(context, call),
        "ListTagsForResource" => topic::list_tags_for_resource(context, call),
        "AddPermission" => topic::add_permission(context, call),
        "RemovePermission" => topic::remove_permission(context, call),
        "Subscribe" => subscription::subscribe(context, call),
        "ConfirmSubscription" => subscription::confirm_subscription(context, call),
        "Unsubscribe" => subscription::unsubscribe(context, call),
        "ListSubscriptions" => subscription::list_subscriptions(context, call),
        "ListSubscriptionsByTopic" => subscription::list_subscriptions_by_topic(context, call),
        "GetSubscriptionAttributes" => subscription::get_subscription_attributes(context, call),
        "SetSubscriptionAttributes" => subscription::set_subscription_attributes(context, call),
        _ => Err(unknown(call)),
    }
}
