//! ListSubscriptions and ListSubscriptionsByTopic, a hundred at a time.

use super::record::{Record, records};
use crate::actions::Context;
use crate::protocol::{ApiError, Call, Output};
use crate::sns::topic::{Right, Topic, find, token_page, topic_arn, topics};
use leveret_core::broker::Access;

pub(in crate::sns) fn list_subscriptions<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let all = topics(context);
    let listed = all.iter().flat_map(|topic| records(topic).map(move |record| (topic.clone(), record)));
    shown(context, call, listed.collect())
}

pub(in crate::sns) fn list_subscriptions_by_topic<A: Access>(
    context: &mut Context<'_, A>,
    call: &Call,
) -> Result<Output, ApiError> {
    let topic = find(context, call, "TopicArn", Right::Read)?;
    let listed = records(&topic).map(|record| (topic.clone(), record)).collect();
    shown(context, call, listed)
}

fn shown<A: Access>(
    context: &Context<'_, A>,
    call: &Call,
    listed: Vec<(Topic, Record)>,
) -> Result<Output, ApiError> {
    let (page, next) = token_page(call, listed, |(topic, record)| format!("{}:{}", topic.name, record.id))?;
    let one = |(topic, record): &(Topic, Record)| {
        Output::new()
            .text("SubscriptionArn", record.arn(context, topic))
            .text("Owner", &*context.identity.account)
            .text("Protocol", "sqs")
            .text("Endpoint", record.endpoint.as_str())
            .text("TopicArn", topic_arn(context, &topic.name))
    };
    Ok(Output::new().members("Subscriptions", page.iter().map(one).collect()).optional("NextToken", next))
}
