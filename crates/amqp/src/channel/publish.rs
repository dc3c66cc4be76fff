//! Publish: a message from its frames to the broker, and what the publisher hears of it.

use super::Channel;
use super::reply;
use crate::codec::method::basic;
use crate::codec::{ReplyCode, write_content};
use crate::connection::fault::Fault;
use crate::connection::link::{Context, Link};
use leveret_core::broker::{Access, Outcome, Publish};
use leveret_core::limits::MESSAGE_PROPERTIES_BYTES;
use leveret_core::wire::RawProperties;
use leveret_core::{Cause, Refusal};

/// A published message, whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    /// It is returned if no queue takes it.
    pub(crate) mandatory: bool,
    /// It is returned if no consumer takes it at once. Not offered, as in RabbitMQ.
    pub(crate) immediate: bool,
    pub(crate) properties: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Channel {
    /// Publishes a message, or keeps it for the commit of the transaction.
    pub(crate) fn publish<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        incoming: &Incoming<'_>,
    ) -> Result<(), Fault> {
        cx.link.published = true;
        if incoming.immediate {
            return Err(Fault::new(ReplyCode::NotImplemented, "immediate=true"));
        }
        check_size(cx.link, incoming.body.len() as u64)?;
        if !reply::wants_reply(incoming.properties) {
            return self.publish_rewritten(cx, incoming);
        }
        let mut rewritten = std::mem::take(&mut cx.link.rewritten);
        rewritten.clear();
        let properties = self.with_reply_queue(incoming.properties, &mut rewritten);
        let published = properties
            .and_then(|properties| self.publish_rewritten(cx, &Incoming { properties, ..*incoming }));
        cx.link.rewritten = rewritten;
        published
    }

    /// Publishes a message whose `reply_to` is as consumers shall see it.
    fn publish_rewritten<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        incoming: &Incoming<'_>,
    ) -> Result<(), Fault> {
        if let Some(transaction) = &mut self.transaction {
            let checked = cx.session.may_publish(cx.access, &incoming.for_broker());
            checked.map_err(|refusal| refused(refusal, incoming.properties))?;
            return transaction.publish(incoming, cx.link.settings.transaction_bytes);
        }
        let outcome = self.publish_now(cx, incoming)?;
        self.confirm_later(cx.link, 1, outcome);
        Ok(())
    }

    /// Takes note of so many messages that are to be confirmed, if the channel confirms.
    #[inline]
    fn confirm_later(&mut self, link: &mut Link, count: u64, outcome: Outcome) {
        if let Some(confirms) = &mut self.confirms {
            link.logs.want(&outcome.waits);
            if confirms.record(count, link.batch, outcome.refused, outcome.waits) {
                link.confirming.push(self.number);
            }
        }
    }

    /// Whether a publish is no more than what [`Session::plan`] plans and [`Session::store`] stores.
    pub(crate) fn is_plain(&self, link: &Link, incoming: &Incoming<'_>) -> bool {
        !self.is_assembling()
            && self.transaction.is_none()
            && link.tracer.is_none()
            && !incoming.mandatory
            && !incoming.immediate
            && check_size(link, incoming.body.len() as u64).is_ok()
            && !reply::wants_reply(incoming.properties)
    }

    /// A message that was planned has been stored, or not.
    #[inline]
    pub(crate) fn stored(&mut self, link: &mut Link, outcome: Result<Outcome, Refusal>) -> Result<(), Fault> {
        let outcome = self.or_nack(outcome)?;
        self.confirm_later(link, 1, outcome);
        Ok(())
    }

    /// So many messages that were planned alike have been stored.
    pub(crate) fn stored_run(&mut self, link: &mut Link, count: u64, outcome: Outcome) {
        if count > 0 {
            self.confirm_later(link, count, outcome);
        }
    }

    /// A log that failed refuses: that is what a nack is for.
    #[inline]
    fn or_nack(&self, outcome: Result<Outcome, Refusal>) -> Result<Outcome, Refusal> {
        match outcome {
            Err(refusal) if refusal.cause == Cause::Internal && self.confirms.is_some() => {
                Ok(Outcome { routed: true, refused: true, ..Outcome::default() })
            }
            outcome => outcome,
        }
    }

    /// Hands a message to the broker; returns it to the publisher if it is mandatory and no queue takes it.
    #[inline]
    pub(super) fn publish_now<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        incoming: &Incoming<'_>,
    ) -> Result<Outcome, Fault> {
        let outcome = self.or_nack(cx.session.publish(cx.access, &incoming.for_broker()));
        let outcome = outcome.map_err(|refusal| refused(refusal, incoming.properties))?;
        if let Some(tracer) = &cx.link.tracer {
            tracer.published(cx.access, cx.session, self.number, &incoming.for_broker());
        }
        if incoming.mandatory && !outcome.routed {
            self.give_to_publisher(cx.link, incoming);
        }
        Ok(outcome)
    }

    fn give_to_publisher(&self, link: &mut Link, incoming: &Incoming<'_>) {
        let method = basic::Return {
            reply_code: ReplyCode::NoRoute.code(),
            reply_text: ReplyCode::NoRoute.name(),
            exchange: incoming.exchange,
            routing_key: incoming.routing_key,
        };
        let (properties, body) = (incoming.properties, incoming.body);
        write_content(link.output.tail(), self.number, link.frame_max, &method, properties, body);
    }
}

impl<'a> Incoming<'a> {
    #[inline]
    pub(crate) fn for_broker(&self) -> Publish<'a> {
        let Incoming { exchange, routing_key, properties, body, .. } = *self;
        Publish { exchange, routing_key, properties, body }
    }
}

/// What the broker refused. Properties that are no property list are a mistake in the protocol rather than one of
/// what is asked for: they end the connection.
#[cold]
fn refused(refusal: Refusal, properties: &[u8]) -> Fault {
    match RawProperties::parse(properties) {
        Err(_) if properties.len() <= MESSAGE_PROPERTIES_BYTES => {
            Fault::new(ReplyCode::SyntaxError, refusal.text)
        }
        _ => refusal.into(),
    }
}

/// # Errors
/// 406 for a body that is larger than a message may be.
pub(super) fn check_size(link: &Link, bytes: u64) -> Result<(), Fault> {
    let max = link.settings.message_bytes;
    if bytes <= max as u64 {
        return Ok(());
    }
    let text = format!("message size {bytes} is larger than configured max size {max}");
    Err(Fault::new(ReplyCode::PreconditionFailed, text))
}
