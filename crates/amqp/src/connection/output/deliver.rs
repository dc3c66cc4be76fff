//! Effects of the broker on their way to the client: deliveries, cancelled consumers, expired leases.

use crate::channel::announce_end;
use crate::codec::method::basic;
use crate::codec::{Delivered, ReplyCode};
use crate::connection::fault::Fault;
use crate::connection::link::Registered;
use crate::connection::settings::Bodies;
use crate::connection::{Connection, Phase};
use leveret_core::broker::Access;
use leveret_core::message::Stored;
use leveret_core::shard::{CancelReason, Delivery, Effect, Settle};
use leveret_core::wire::{HeaderEdit, RawProperties, Value};
use leveret_core::{ConsumerId, ShardIndex};
use std::error::Error;

impl Connection {
    /// Takes a batch of one shard's effects and writes what the client has to hear of them.
    pub fn effects<A: Access>(
        &mut self,
        access: &mut A,
        shard: ShardIndex,
        effects: &[Effect],
        bodies: &mut dyn Bodies,
    ) {
        self.link.output.settle_ready();
        // Most batches are for one consumer: it is looked up once.
        let mut consumer: Option<(ConsumerId, Registered)> = None;
        for effect in effects {
            match effect {
                Effect::Deliver(delivery) => {
                    if consumer.as_ref().is_none_or(|(id, _)| *id != delivery.consumer) {
                        let found = self.link.consumers.find(shard, delivery.consumer);
                        consumer = found.map(|found| (delivery.consumer, found.clone()));
                    }
                    match &consumer {
                        // Whoever was asked to go is sent nothing more.
                        Some((_, registered)) if self.phase == Phase::Running => {
                            self.deliver(access, shard, delivery, registered, bodies);
                        }
                        _ => self.give_back_unseen(access, shard, delivery),
                    }
                }
                Effect::ConsumerCancelled { consumer: cancelled, reason } => {
                    self.consumer_cancelled(access, shard, *cancelled, *reason);
                    consumer = None;
                }
                Effect::LeaseExpired { lease, consumer } => {
                    let channel = self.link.consumers.find(shard, *consumer).map(|found| found.channel);
                    if let Some(channel) = channel.and_then(|number| self.channels.open_mut(number)) {
                        channel.lease_expired(shard, *lease);
                    }
                }
                // No receive of this door waits: its consumers are sent what there is.
                Effect::Available { .. } => {}
            }
        }
    }

    fn deliver<A: Access>(
        &mut self,
        access: &mut A,
        shard: ShardIndex,
        delivery: &Delivery,
        registered: &Registered,
        bodies: &mut dyn Bodies,
    ) {
        let Some(channel) = self.channels.open_mut(registered.channel) else {
            return self.give_back_unseen(access, shard, delivery);
        };
        let message = match read_message(bodies, shard, delivery) {
            Ok(message) => message,
            Err(UnreadableMessage(reason)) => {
                // It counts as a failed delivery, so that it does not block its queue for ever.
                access.shard(shard).settle(delivery.lease, Settle::Again);
                access.shard(shard).written(self.id, 1, u64::from(delivery.size));
                let fault = Fault::new(ReplyCode::InternalError, reason);
                return self.fail(access, registered.channel, fault, (0, 0));
            }
        };
        let method = basic::Deliver {
            consumer_tag: &registered.tag,
            delivery_tag: channel.next_delivery(delivery.queue, delivery.lease),
            redelivered: delivery.redelivered,
            exchange: message.exchange,
            routing_key: message.routing_key,
        };
        let properties = Redelivery::of(delivery).mark(message.properties, &mut self.link.rewritten);
        let frame_max = self.link.frame_max;
        let delivered = Delivered { channel: registered.channel, method, properties, body: message.body };
        delivered.write(frame_max, self.link.output.tail());
        if let (Some(tracer), Some(session)) = (&self.link.tracer, &self.session) {
            tracer.delivered(access, session, registered.channel, delivery, &message, properties);
        }
        self.link.output.delivered(shard, delivery.size);
    }

    /// A delivery for a consumer that is no more: the client never sees it, so it does not count.
    fn give_back_unseen<A: Access>(&self, access: &mut A, shard: ShardIndex, delivery: &Delivery) {
        let shard = access.shard(shard);
        shard.settle(delivery.lease, Settle::Untouched);
        shard.written(self.id, 1, u64::from(delivery.size));
    }

    /// The broker has ended a consumer. A client that can hear it is told; one that cannot learns of a timeout
    /// by losing its channel, as RabbitMQ has it.
    fn consumer_cancelled<A: Access>(
        &mut self,
        access: &mut A,
        shard: ShardIndex,
        consumer: ConsumerId,
        reason: CancelReason,
    ) {
        let Some(registered) = self.link.consumers.take(shard, consumer) else { return };
        let number = registered.channel;
        let Some(channel) = self.channels.open_mut(number) else { return };
        channel.consumer_cancelled(&registered.tag);
        if let Some(session) = &self.session {
            announce_end(access, session, &self.link, number, &registered.tag, registered.queue);
        }
        if self.link.capabilities.consumer_cancel_notify {
            let cancel = basic::Cancel { consumer_tag: &registered.tag, nowait: true };
            return self.link.output.method(number, &cancel);
        }
        if reason == CancelReason::Timeout {
            let of_queue = || access.catalog().queue_by_id(registered.queue)?.settings.consumer_timeout_ms;
            let timeout = registered.timeout_ms.or_else(of_queue).unwrap_or_default();
            let text = format!(
                "delivery acknowledgement on channel {number} timed out. Timeout value used: {timeout} ms. \
                 This timeout value can be configured, see consumers doc guide to learn more"
            );
            self.fail(access, number, Fault::new(ReplyCode::PreconditionFailed, text), (0, 0));
        }
    }
}

/// A message that the log does not give back, with the reason.
pub(crate) struct UnreadableMessage(pub(crate) String);

/// Reads the message of a delivery from its shard's log.
#[inline]
pub(crate) fn read_message<'a>(
    bodies: &'a mut dyn Bodies,
    shard: ShardIndex,
    delivery: &Delivery,
) -> Result<Stored<'a>, UnreadableMessage> {
    let (kind, payload) =
        bodies.record(shard, delivery.location).map_err(|error| unreadable(shard, delivery, &error))?;
    Stored::parse(kind, payload).map_err(|error| unreadable(shard, delivery, &error))
}

#[cold]
fn unreadable(shard: ShardIndex, delivery: &Delivery, reason: &dyn Error) -> UnreadableMessage {
    let (at, log) = (delivery.location, shard.0);
    UnreadableMessage(format!("the message at {at} of log {log} is lost: {reason}"))
}

/// How often a message was delivered before, as its headers tell (RabbitMQ's quorum queues).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Redelivery {
    failures: u16,
    acquired: u16,
}

impl Redelivery {
    pub(crate) fn of(delivery: &Delivery) -> Redelivery {
        Redelivery { failures: delivery.failures, acquired: delivery.acquired }
    }

    /// The properties with `x-delivery-count` and `x-acquired-count`, or as they are for a first delivery.
    #[inline]
    pub(crate) fn mark<'a>(self, properties: &'a [u8], rewritten: &'a mut Vec<u8>) -> &'a [u8] {
        if self.failures == 0 && self.acquired == 0 {
            return properties;
        }
        self.rewrite(properties, rewritten)
    }

    #[cold]
    fn rewrite<'a>(self, properties: &'a [u8], rewritten: &'a mut Vec<u8>) -> &'a [u8] {
        let failures = Value::I64(self.failures.into());
        let acquired = Value::I64(self.acquired.into());
        let edits =
            [HeaderEdit::Set("x-delivery-count", &failures), HeaderEdit::Set("x-acquired-count", &acquired)];
        rewritten.clear();
        let parsed = RawProperties::parse(properties);
        match parsed.and_then(|parsed| parsed.encode_with_headers(&edits, rewritten)) {
            Ok(()) => rewritten,
            // Headers that are full to the brim: the message goes out without the counts.
            Err(_) => properties,
        }
    }
}
