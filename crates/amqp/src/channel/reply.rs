//! Direct reply-to: a client consumes from a queue that only its channel has, without declaring it, and its
//! requests carry that queue's name (RabbitMQ's extension).
//!
//! Behind the pseudo queue `amq.rabbitmq.reply-to` is a queue of the connection's own, with a name that cannot
//! be guessed. It goes with its consumer; replies reach it by the default exchange like any other message.

use super::Channel;
use crate::codec::ReplyCode;
use crate::codec::method::basic;
use crate::connection::fault::Fault;
use crate::connection::link::Context;
use leveret_core::broker::{Access, Consuming};
use leveret_core::shard::Subscription;
use leveret_core::wire::RawProperties;
use std::sync::Arc;

/// The name that clients consume from and put into `reply_to`.
pub(super) const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// The flag of the property `reply_to` in a property list.
const REPLY_TO_FLAG: u16 = 0x0200;

/// The reply queue of a channel.
#[derive(Debug)]
pub(super) struct ReplyQueue {
    /// The tag of its consumer.
    pub(super) tag: Arc<str>,
    name: Arc<str>,
}

/// Whether a message has a `reply_to` at all, which most have not: only those are looked at more closely.
#[inline]
pub(super) fn wants_reply(properties: &[u8]) -> bool {
    properties.first_chunk::<2>().is_some_and(|flags| u16::from_be_bytes(*flags) & REPLY_TO_FLAG != 0)
}

impl Channel {
    /// `basic.consume` from the pseudo queue.
    pub(super) fn consume_replies<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        consume: &basic::Consume<'_>,
    ) -> Result<(), Fault> {
        if !consume.no_ack {
            return Err(refused("reply consumer cannot acknowledge"));
        }
        if self.reply_queue.is_some() {
            return Err(refused("reply consumer already set"));
        }
        let declared = cx.session.declare_reply_queue(cx.access)?;
        // Whoever may log in may be answered: RabbitMQ asks for no permission here, so the session is passed by.
        let subscription = Subscription {
            queue: declared.queue,
            connection: cx.session.connection(),
            no_ack: true,
            exclusive: true,
            priority: 0,
            prefetch: 0,
            pool: None,
            timeout_ms: None,
        };
        let consumer = cx.access.shard(declared.queue.shard()).subscribe(&subscription)?;
        let consuming = Consuming { consumer, queue: declared.queue };
        let tag = self.consumer_made(cx, consume, consuming, None);
        self.reply_queue = Some(ReplyQueue { tag, name: declared.name });
        Ok(())
    }

    /// The properties of a message with the channel's own queue for the pseudo queue in `reply_to`.
    ///
    /// # Errors
    /// 406 without a consumer that could get the reply.
    pub(super) fn with_reply_queue<'a>(
        &self,
        properties: &'a [u8],
        rewritten: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Fault> {
        // What cannot be parsed is refused by the broker, in its own words.
        let Ok(mut parsed) = RawProperties::parse(properties) else { return Ok(properties) };
        if parsed.reply_to != Some(REPLY_TO.as_bytes()) {
            return Ok(properties);
        }
        let queue = self.reply_queue.as_ref().ok_or_else(|| refused("fast reply consumer does not exist"))?;
        parsed.reply_to = Some(queue.name.as_bytes());
        parsed.encode(rewritten).map_err(|error| refused(&format!("message properties: {error}")))?;
        Ok(rewritten)
    }
}

fn refused(text: &str) -> Fault {
    Fault::new(ReplyCode::PreconditionFailed, text)
}
