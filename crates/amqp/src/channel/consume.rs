//! Consumers of a channel, and how many unacked deliveries they may have.

use super::reply::REPLY_TO;
use super::{Channel, ChannelConsumer, SharedPrefetch};
use crate::codec::ReplyCode;
use crate::codec::method::basic;
use crate::connection::events::of_channel;
use crate::connection::fault::Fault;
use crate::connection::link::{Context, Link, Registered};
use leveret_core::broker::{Access, Consume, Consuming, Session, announce_event};
use leveret_core::shard::PoolId;
use leveret_core::wire::{RawTable, RawValue, Table};
use leveret_core::{ConsumerId, QueueId, ShardIndex};
use std::sync::Arc;

impl Channel {
    /// `basic.qos`. As in RabbitMQ, `global` false is for each consumer to come, true for the whole channel.
    pub(super) fn qos<A: Access>(&mut self, cx: &mut Context<'_, A>, qos: &basic::Qos) -> Result<(), Fault> {
        if qos.prefetch_size != 0 {
            let text = format!("prefetch_size!=0 ({})", qos.prefetch_size);
            return Err(Fault::new(ReplyCode::NotImplemented, text));
        }
        if qos.global {
            self.share_prefetch(cx, qos.prefetch_count);
        } else {
            self.prefetch = qos.prefetch_count;
        }
        cx.link.output.method(self.number, &basic::QosOk {});
        Ok(())
    }

    /// `basic.consume`.
    pub(super) fn consume<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        consume: &basic::Consume<'_>,
    ) -> Result<(), Fault> {
        self.check_consumer(cx, consume.consumer_tag)?;
        if consume.queue == REPLY_TO {
            return self.consume_replies(cx, consume);
        }
        let name = self.queue_named(consume.queue)?;
        let queue = cx.session.find_queue(cx.access, &name)?;
        let timeout_ms = timeout_of(&consume.arguments, &name, cx.session.vhost())?;
        let request = Consume {
            queue: &name,
            no_ack: consume.no_ack,
            exclusive: consume.exclusive,
            prefetch: self.prefetch,
            pool: self.pool(cx, queue.shard()),
            priority: priority_of(&consume.arguments, &name, cx.session.vhost())?,
            timeout_ms,
        };
        let consuming = cx.session.consume(cx.access, &request)?;
        self.consumer_made(cx, consume, consuming, timeout_ms);
        Ok(())
    }

    /// Whether the channel may have a consumer of this tag.
    fn check_consumer<A: Access>(&self, cx: &Context<'_, A>, tag: &str) -> Result<(), Fault> {
        let max = cx.link.settings.consumers_per_channel;
        if self.consumers.len() >= max {
            let text = format!("reached maximum ({max}) of consumers per channel");
            return Err(Fault::new(ReplyCode::NotAllowed, text));
        }
        if self.consumers.contains_key(tag) {
            let text = format!("attempt to reuse consumer tag '{tag}'");
            return Err(Fault::new(ReplyCode::NotAllowed, text));
        }
        Ok(())
    }

    /// Takes a new consumer into the books and tells the client. Answers its tag.
    pub(super) fn consumer_made<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        consume: &basic::Consume<'_>,
        consuming: Consuming,
        timeout_ms: Option<u64>,
    ) -> Arc<str> {
        let tag = match consume.consumer_tag {
            "" => cx.unique_name("amq.ctag-"),
            tag => tag.into(),
        };
        let (no_ack, exclusive, prefetch) = (consume.no_ack, consume.exclusive, self.prefetch);
        self.consumers.insert(tag.clone(), ChannelConsumer { consuming, no_ack, exclusive, prefetch });
        let queue = cx.access.catalog().queue_by_id(consuming.queue).map(|queue| queue.name.clone());
        announce_event(cx.access, || {
            let event = of_channel("consumer.created", cx.session, cx.link, self.number);
            let event = event.with("consumer_tag", &*tag).with("queue", queue.as_deref().unwrap_or_default());
            let event = event.with("ack_required", !no_ack).with("exclusive", exclusive);
            let event = event.with("prefetch_count", i64::from(prefetch));
            event.with("arguments", Table::from(consume.arguments))
        });
        let registered =
            Registered { channel: self.number, tag: tag.clone(), queue: consuming.queue, timeout_ms };
        cx.link.consumers.add(consuming.consumer, registered);
        if !consume.nowait {
            cx.link.output.method(self.number, &basic::ConsumeOk { consumer_tag: &tag });
        }
        tag
    }

    /// `basic.cancel`: what the consumer has not acked stays unacked. An unknown tag is no error.
    pub(super) fn cancel<A: Access>(&mut self, cx: &mut Context<'_, A>, cancel: &basic::Cancel<'_>) {
        if let Some(ChannelConsumer { consuming, .. }) = self.consumers.remove(cancel.consumer_tag) {
            cx.link.consumers.remove(consuming);
            cx.session.cancel(cx.access, consuming);
            let (tag, queue) = (cancel.consumer_tag, consuming.queue);
            announce_end(cx.access, cx.session, cx.link, self.number, tag, queue);
        }
        self.reply_queue.take_if(|reply| *reply.tag == *cancel.consumer_tag);
        if !cancel.nowait {
            cx.link.output.method(self.number, &basic::CancelOk { consumer_tag: cancel.consumer_tag });
        }
    }

    /// Limits all consumers of the channel together: those to come, and those that are there already, with what they
    /// hold. Only whoever awaits replies is left out, as in RabbitMQ.
    fn share_prefetch<A: Access>(&mut self, cx: &mut Context<'_, A>, limit: u16) {
        if let Some(shared) = &mut self.shared_prefetch {
            shared.limit = limit;
            for (shard, pool) in &shared.pools {
                cx.access.shard(*shard).resize_pool(*pool, limit);
            }
            return;
        }
        self.shared_prefetch = Some(SharedPrefetch { limit, pools: Vec::new() });
        let replies = self.reply_queue.as_ref().map(|reply| &*reply.tag);
        let limited = self.consumers.iter().filter(|(tag, _)| replies != Some(&***tag));
        let mut limited: Vec<Consuming> = limited.map(|(_, consumer)| consumer.consuming).collect();
        limited.sort_unstable_by_key(|consuming| (consuming.queue.shard(), consuming.consumer.slot));
        for of_shard in limited.chunk_by(|a, b| a.queue.shard() == b.queue.shard()) {
            let shard = of_shard[0].queue.shard();
            let consumers: Vec<ConsumerId> = of_shard.iter().map(|consuming| consuming.consumer).collect();
            if let Some(pool) = self.pool(cx, shard) {
                cx.access.shard(shard).join_pool(pool, &consumers);
            }
        }
    }

    /// The channel's share of a shard's credit, if the channel limits all its consumers together.
    fn pool<A: Access>(&mut self, cx: &mut Context<'_, A>, shard: ShardIndex) -> Option<PoolId> {
        let shared = self.shared_prefetch.as_mut()?;
        if let Some((_, pool)) = shared.pools.iter().find(|(known, _)| *known == shard) {
            return Some(*pool);
        }
        let pool = cx.access.shard(shard).open_pool(shared.limit);
        shared.pools.push((shard, pool));
        Some(pool)
    }
}

/// A consumer has ended, by whomever: whoever listens is told. Its queue may be gone already.
pub(crate) fn announce_end<A: Access>(
    access: &mut A,
    session: &Session,
    link: &Link,
    channel: u16,
    tag: &str,
    queue: QueueId,
) {
    let name = access.catalog().queue_by_id(queue).map(|queue| queue.name.clone());
    announce_event(access, || {
        let event = of_channel("consumer.deleted", session, link, channel).with("consumer_tag", tag);
        match &name {
            Some(name) => event.with("queue", &**name),
            None => event,
        }
    });
}

/// `x-priority`: any integer.
fn priority_of(arguments: &RawTable<'_>, queue: &str, vhost: &str) -> Result<i32, Fault> {
    let Some(value) = arguments.get("x-priority") else { return Ok(0) };
    let priority = value.as_i64().and_then(|priority| i32::try_from(priority).ok());
    priority.ok_or_else(|| invalid_argument("x-priority", &value, queue, vhost))
}

/// `x-consumer-timeout`: milliseconds.
fn timeout_of(arguments: &RawTable<'_>, queue: &str, vhost: &str) -> Result<Option<u64>, Fault> {
    let Some(value) = arguments.get("x-consumer-timeout") else { return Ok(None) };
    let timeout = value.as_i64().and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
    timeout.map(Some).ok_or_else(|| invalid_argument("x-consumer-timeout", &value, queue, vhost))
}

fn invalid_argument(name: &str, value: &RawValue<'_>, queue: &str, vhost: &str) -> Fault {
    let text = format!("invalid arg '{name}' for queue '{queue}' in vhost '{vhost}': {value:?}");
    Fault::new(ReplyCode::PreconditionFailed, text)
}
