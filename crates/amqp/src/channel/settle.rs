//! Acks and their opposites: how a client settles what was delivered to it.

use super::Channel;
use crate::codec::ReplyCode;
use crate::codec::method::basic;
use crate::connection::fault::Fault;
use crate::connection::link::Context;
use leveret_core::broker::Access;
use leveret_core::shard::Settle;
use leveret_core::{LeaseId, QueueId};

impl Channel {
    /// `basic.ack`.
    #[inline]
    pub(super) fn ack<A: Access>(&mut self, cx: &mut Context<'_, A>, ack: &basic::Ack) -> Result<(), Fault> {
        self.give_back(cx, ack.delivery_tag, ack.multiple, Settle::Done)
    }

    /// Takes out what an ack acks, for whoever settles it; `false` where that is not all that is to be done.
    #[inline]
    pub(crate) fn take_acked(&mut self, ack: &basic::Ack, acked: &mut Vec<(QueueId, LeaseId)>) -> bool {
        if self.is_assembling() || self.transaction.is_some() {
            return false;
        }
        let mut add = |delivery: super::unacked::Unsettled| {
            if delivery.is_held() {
                acked.push((delivery.queue, delivery.lease));
            }
        };
        match ack.multiple {
            true => self.unacked.take_through(ack.delivery_tag, add),
            false => self.unacked.take(ack.delivery_tag).map(&mut add).is_some(),
        }
    }

    /// `basic.ack`, `nack` and `reject`: settles one delivery, or all up to one.
    #[inline]
    pub(super) fn give_back<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        tag: u64,
        multiple: bool,
        how: Settle,
    ) -> Result<(), Fault> {
        let Channel { unacked, transaction, .. } = self;
        let mut settle = |delivery: super::unacked::Unsettled| match transaction {
            Some(transaction) => transaction.settle(delivery, how),
            None if delivery.is_held() => {
                // `false` says that the queue is gone, and the message with it: nothing is left to settle.
                cx.session.settle(cx.access, delivery.queue, delivery.lease, how);
            }
            None => {}
        };
        let known = if multiple {
            unacked.take_through(tag, settle)
        } else {
            unacked.take(tag).map(&mut settle).is_some()
        };
        if known {
            return Ok(());
        }
        Err(Fault::new(ReplyCode::PreconditionFailed, format!("unknown delivery tag {tag}")))
    }

    /// `basic.recover`: every unacked delivery goes back to its queue, and comes again to whoever is next.
    pub(super) fn recover<A: Access>(&mut self, cx: &mut Context<'_, A>, requeue: bool) -> Result<(), Fault> {
        if !requeue {
            return Err(Fault::new(ReplyCode::NotImplemented, "requeue=false"));
        }
        self.unacked.drain(|queue, lease| {
            cx.session.settle(cx.access, queue, lease, Settle::Again);
        });
        Ok(())
    }
}
