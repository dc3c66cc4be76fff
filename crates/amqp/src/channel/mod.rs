//! A channel: what a client does on it, one file per subject. It knows the broker by its session only, and
//! writes its answers where the connection's output ends.
//!
//! - [`assembly`]: a published message that comes in several frames;
//! - [`publish`], [`confirm`], [`tx`]: messages in;
//! - [`consume`], [`unacked`], [`settle`]: messages out;
//! - [`reply`]: direct reply-to, over both;
//! - [`declare`]: exchanges, queues and bindings.

mod assembly;
mod confirm;
mod consume;
mod declare;
mod get;
mod publish;
mod reply;
mod settle;
mod tx;
mod unacked;

pub(crate) use consume::announce_end;
pub(crate) use publish::Incoming;

use crate::codec::method::{Method, access, basic, channel, confirm as confirm_class, tx as tx_class};
use crate::codec::{ContentHeader, ReplyCode};
use crate::connection::events::of_channel;
use crate::connection::fault::Fault;
use crate::connection::link::{Context, Link};
use assembly::{Assembled, Assembly};
use confirm::Confirms;
use leveret_core::broker::{Access, Consuming, Session, announce_event};
use leveret_core::shard::{PoolId, Settle};
use leveret_core::{ConsumerId, LeaseId, QueueId, ShardIndex};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use tx::Transaction;
use unacked::Unacked;

/// An open channel.
#[derive(Debug)]
pub(crate) struct Channel {
    number: u16,
    assembly: Assembly,
    /// `confirm.select` was called.
    confirms: Option<Confirms>,
    /// `tx.select` was called.
    transaction: Option<Transaction>,
    unacked: Unacked,
    /// The tag of the last delivery.
    last_tag: u64,
    consumers: FxHashMap<Arc<str>, ChannelConsumer>,
    /// Unacked deliveries at most, for each consumer to come (`basic.qos`); 0 is no limit.
    prefetch: u16,
    /// The same for the whole channel (`basic.qos` with `global`), with the shards that were told.
    shared_prefetch: Option<SharedPrefetch>,
    /// What an empty queue name stands for.
    last_queue: Option<Arc<str>>,
    reply_queue: Option<reply::ReplyQueue>,
}

/// A consumer of the channel.
#[derive(Clone, Copy, Debug)]
struct ChannelConsumer {
    consuming: Consuming,
    no_ack: bool,
    exclusive: bool,
    prefetch: u16,
}

/// A prefetch that the consumers of a channel have in common: in each shard one, since shards share nothing.
#[derive(Debug)]
struct SharedPrefetch {
    limit: u16,
    pools: Vec<(ShardIndex, PoolId)>,
}

/// A channel for an operator to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelOverview {
    /// Its number.
    pub number: u16,
    /// Its consumers, by their tags.
    pub consumers: Vec<ConsumerOverview>,
    /// Deliveries that were not acked yet.
    pub unacked: usize,
    /// Published messages that were not confirmed yet.
    pub unconfirmed: u64,
    /// It is in confirm mode.
    pub confirms: bool,
    /// It is transactional.
    pub transactional: bool,
    /// The prefetch of consumers to come; 0 is no limit.
    pub prefetch: u16,
    /// The prefetch of the whole channel; 0 is no limit.
    pub shared_prefetch: u16,
}

/// A consumer for an operator to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerOverview {
    /// Its tag.
    pub tag: Arc<str>,
    /// Its queue.
    pub queue: QueueId,
    /// Its id in the shard of its queue.
    pub consumer: ConsumerId,
    /// Its deliveries are to be acked.
    pub acks: bool,
    /// It is alone on its queue.
    pub exclusive: bool,
    /// Unacked deliveries at most; 0 is no limit.
    pub prefetch: u16,
}

impl Channel {
    pub(crate) fn new(number: u16) -> Channel {
        Channel {
            number,
            assembly: Assembly::default(),
            confirms: None,
            transaction: None,
            unacked: Unacked::default(),
            last_tag: 0,
            consumers: FxHashMap::default(),
            prefetch: 0,
            shared_prefetch: None,
            last_queue: None,
            reply_queue: None,
        }
    }

    /// Handles a method. Those that open and close channels are the connection's.
    pub(crate) fn method<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        method: &Method<'_>,
    ) -> Result<(), Fault> {
        self.assembly.expect_method()?;
        match method {
            Method::Basic(method) => self.basic(cx, method),
            Method::Queue(method) => self.queue(cx, method),
            Method::Exchange(method) => self.exchange(cx, method),
            Method::Tx(tx_class::Method::Select(_)) => self.tx_select(cx),
            Method::Tx(tx_class::Method::Commit(_)) => self.tx_commit(cx),
            Method::Tx(tx_class::Method::Rollback(_)) => self.tx_rollback(cx),
            Method::Confirm(confirm_class::Method::Select(select)) => self.confirm_select(cx, select.nowait),
            Method::Channel(channel::Method::Flow(flow)) if flow.active => {
                cx.link.output.method(self.number, &channel::FlowOk { active: true });
                Ok(())
            }
            Method::Channel(channel::Method::Flow(_)) => {
                Err(Fault::new(ReplyCode::NotImplemented, "active=false"))
            }
            Method::Access(access::Method::Request(_)) => {
                cx.link.output.method(self.number, &access::RequestOk { ticket: 1 });
                Ok(())
            }
            _ => Err(unknown()),
        }
    }

    fn basic<A: Access>(&mut self, cx: &mut Context<'_, A>, method: &basic::Method<'_>) -> Result<(), Fault> {
        match method {
            basic::Method::Publish(publish) => {
                self.assembly.begin(publish);
                Ok(())
            }
            basic::Method::Ack(ack) => self.ack(cx, ack),
            basic::Method::Nack(nack) => {
                self.give_back(cx, nack.delivery_tag, nack.multiple, requeued(nack.requeue))
            }
            basic::Method::Reject(reject) => {
                self.give_back(cx, reject.delivery_tag, false, requeued(reject.requeue))
            }
            basic::Method::Recover(recover) => {
                self.recover(cx, recover.requeue)?;
                cx.link.output.method(self.number, &basic::RecoverOk {});
                Ok(())
            }
            basic::Method::RecoverAsync(recover) => self.recover(cx, recover.requeue),
            basic::Method::Qos(qos) => self.qos(cx, qos),
            basic::Method::Consume(consume) => self.consume(cx, consume),
            basic::Method::Cancel(cancel) => {
                self.cancel(cx, cancel);
                Ok(())
            }
            // The client's answer to a cancel of ours: the consumer is gone already.
            basic::Method::CancelOk(_) => Ok(()),
            basic::Method::Get(get) => self.get(cx, get),
            _ => Err(unknown()),
        }
    }

    /// Whether a content is on its way in, so that a whole message cannot come now.
    #[inline]
    pub(crate) fn is_assembling(&self) -> bool {
        self.assembly.is_under_way()
    }

    /// Takes the header of a content.
    pub(crate) fn header<A: Access>(&mut self, cx: &mut Context<'_, A>, payload: &[u8]) -> Result<(), Fault> {
        self.assembly.expect_header()?;
        let header = ContentHeader::read(payload)?;
        publish::check_size(cx.link, header.body_bytes)?;
        if self.assembly.header(&header, cx.link, cx.bodies)? {
            return self.assembled(cx);
        }
        Ok(())
    }

    /// Takes a piece of a body.
    pub(crate) fn body<A: Access>(&mut self, cx: &mut Context<'_, A>, payload: &[u8]) -> Result<(), Fault> {
        if self.assembly.body(payload, cx.link)? {
            return self.assembled(cx);
        }
        Ok(())
    }

    /// A message is whole.
    fn assembled<A: Access>(&mut self, cx: &mut Context<'_, A>) -> Result<(), Fault> {
        let assembled = self.assembly.take(cx.link);
        let published = self.publish(cx, &assembled.incoming());
        self.assembly.reuse(assembled, cx.bodies);
        published
    }

    /// Sends the confirms whose messages are safe. Answers whether some are left.
    pub(crate) fn release_confirms(&mut self, link: &mut Link) -> bool {
        let Some(confirms) = &mut self.confirms else { return false };
        confirms.release(self.number, &link.logs, link.output.tail())
    }

    /// A delivery takes the next tag; with a lease it is unacked from now on.
    #[inline]
    pub(crate) fn next_delivery(&mut self, queue: QueueId, lease: LeaseId) -> u64 {
        self.last_tag += 1;
        if lease != LeaseId::NONE {
            self.unacked.push(self.last_tag, queue, lease);
        }
        self.last_tag
    }

    /// A lease has ended at its deadline: its tag may still be acked, to no effect.
    pub(crate) fn lease_expired(&mut self, shard: ShardIndex, lease: LeaseId) {
        self.unacked.expire(shard, lease);
    }

    /// The broker has cancelled a consumer.
    pub(crate) fn consumer_cancelled(&mut self, tag: &str) {
        self.consumers.remove(tag);
        self.reply_queue.take_if(|reply| *reply.tag == *tag);
    }

    /// Ends the consumers. Whoever closes several channels does this in all of them before they give their
    /// deliveries back: otherwise the one would get what the other returned.
    pub(crate) fn stop<A: Access>(&mut self, access: &mut A, session: &mut Session, link: &mut Link) {
        for (tag, ChannelConsumer { consuming, .. }) in self.consumers.drain() {
            session.cancel(access, consuming);
            link.consumers.remove(consuming);
            announce_end(access, session, link, self.number, &tag, consuming.queue);
        }
        announce_event(access, || of_channel("channel.closed", session, link, self.number));
        link.assembling_bytes -= self.assembly.held_bytes();
        self.assembly = Assembly::default();
        self.reply_queue = None;
    }

    /// Gives back every delivery that is unacked, and forgets the rest.
    pub(crate) fn close<A: Access>(&mut self, access: &mut A, session: &mut Session) {
        // What a transaction acked and did not commit is unacked.
        if let Some(transaction) = self.transaction.take() {
            self.unacked.restore(transaction.into_settlements());
        }
        self.unacked.drain(|queue, lease| {
            session.settle(access, queue, lease, Settle::Again);
        });
        for (shard, pool) in self.shared_prefetch.take().map(|shared| shared.pools).unwrap_or_default() {
            access.shard(shard).close_pool(pool);
        }
        self.confirms = None;
    }

    /// For an operator to look at.
    pub(crate) fn overview(&self) -> ChannelOverview {
        let overview = |(tag, consumer): (&Arc<str>, &ChannelConsumer)| ConsumerOverview {
            tag: tag.clone(),
            queue: consumer.consuming.queue,
            consumer: consumer.consuming.consumer,
            acks: !consumer.no_ack,
            exclusive: consumer.exclusive,
            prefetch: consumer.prefetch,
        };
        let mut consumers: Vec<_> = self.consumers.iter().map(overview).collect();
        consumers.sort_unstable_by(|a, b| a.tag.cmp(&b.tag));
        ChannelOverview {
            number: self.number,
            consumers,
            unacked: self.unacked.len(),
            unconfirmed: self.confirms.as_ref().map_or(0, Confirms::len),
            confirms: self.confirms.is_some(),
            transactional: self.transaction.is_some(),
            prefetch: self.prefetch,
            shared_prefetch: self.shared_prefetch.as_ref().map_or(0, |shared| shared.limit),
        }
    }
}

/// What a consumer says of a delivery that it could not handle.
fn requeued(requeue: bool) -> Settle {
    if requeue { Settle::Again } else { Settle::Never }
}

fn unknown() -> Fault {
    Fault::new(ReplyCode::CommandInvalid, "unimplemented method")
}

impl Assembled {
    fn incoming(&self) -> Incoming<'_> {
        Incoming {
            exchange: &self.exchange,
            routing_key: &self.routing_key,
            mandatory: self.mandatory,
            immediate: self.immediate,
            properties: &self.properties,
            body: &self.body,
        }
    }
}
