//! `basic.get`: one message, at once.

use super::Channel;
use crate::codec::method::basic;
use crate::codec::{ReplyCode, write_content};
use crate::connection::fault::Fault;
use crate::connection::link::Context;
use crate::connection::output::deliver::{Redelivery, UnreadableMessage, read_message};
use leveret_core::broker::Access;
use leveret_core::shard::Settle;

impl Channel {
    pub(super) fn get<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        get: &basic::Get<'_>,
    ) -> Result<(), Fault> {
        let name = self.queue_named(get.queue)?;
        let Some((delivery, left)) = cx.session.get(cx.access, &name, get.no_ack)? else {
            cx.link.output.method(self.number, &basic::GetEmpty { cluster_id: "" });
            return Ok(());
        };
        // A message of this very turn can be read once the turn has ended.
        cx.access.finish();
        let shard = delivery.queue.shard();
        let message = match read_message(cx.bodies, shard, &delivery) {
            Ok(message) => message,
            Err(UnreadableMessage(reason)) => {
                // It counts as a failed delivery, so that it does not block its queue for ever.
                cx.session.settle(cx.access, delivery.queue, delivery.lease, Settle::Again);
                return Err(Fault::new(ReplyCode::InternalError, reason));
            }
        };
        let method = basic::GetOk {
            delivery_tag: self.next_delivery(delivery.queue, delivery.lease),
            redelivered: delivery.redelivered,
            exchange: message.exchange,
            routing_key: message.routing_key,
            message_count: u32::try_from(left).unwrap_or(u32::MAX),
        };
        let properties = Redelivery::of(&delivery).mark(message.properties, &mut cx.link.rewritten);
        let (out, frame_max) = (cx.link.output.tail(), cx.link.frame_max);
        write_content(out, self.number, frame_max, &method, properties, message.body);
        if let Some(tracer) = &cx.link.tracer {
            tracer.delivered(cx.access, cx.session, self.number, &delivery, &message, properties);
        }
        Ok(())
    }
}
