//! Exchanges, queues and bindings. Their replies are promises: they leave once the catalog's log has it.

use super::Channel;
use super::reply::REPLY_TO;
use crate::codec::ReplyCode;
use crate::codec::method::{Arguments, exchange, queue};
use crate::connection::fault::Fault;
use crate::connection::link::Context;
use leveret_core::Refusal;
use leveret_core::broker::{Access, Bind, DeclareExchange, DeclareQueue, Waits};
use leveret_core::wire::{RawTable, Table};
use std::sync::Arc;

impl Channel {
    pub(super) fn exchange<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        method: &exchange::Method<'_>,
    ) -> Result<(), Fault> {
        match method {
            exchange::Method::Declare(declare) => {
                let waits = declare_exchange(cx, declare)?;
                self.reply(cx, waits, declare.nowait, &exchange::DeclareOk {});
            }
            exchange::Method::Delete(delete) => {
                let waits = cx.session.delete_exchange(cx.access, delete.exchange, delete.if_unused)?;
                self.reply(cx, waits, delete.nowait, &exchange::DeleteOk {});
            }
            exchange::Method::Bind(bind) => {
                let binding = Binding {
                    source: bind.source,
                    destination: bind.destination,
                    to_exchange: true,
                    routing_key: bind.routing_key,
                    arguments: bind.arguments,
                };
                let waits = binding.with(|bind| cx.session.bind(cx.access, bind))?;
                self.reply(cx, waits, bind.nowait, &exchange::BindOk {});
            }
            exchange::Method::Unbind(unbind) => {
                let binding = Binding {
                    source: unbind.source,
                    destination: unbind.destination,
                    to_exchange: true,
                    routing_key: unbind.routing_key,
                    arguments: unbind.arguments,
                };
                let waits = binding.with(|bind| cx.session.unbind(cx.access, bind))?;
                self.reply(cx, waits, unbind.nowait, &exchange::UnbindOk {});
            }
            _ => return Err(super::unknown()),
        }
        Ok(())
    }

    pub(super) fn queue<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        method: &queue::Method<'_>,
    ) -> Result<(), Fault> {
        match method {
            queue::Method::Declare(declare) => self.declare_queue(cx, declare),
            queue::Method::Bind(bind) => {
                let queue = self.queue_named(bind.queue)?;
                let binding = Binding {
                    source: bind.exchange,
                    destination: &queue,
                    to_exchange: false,
                    routing_key: key_for(bind.queue, bind.routing_key, &queue),
                    arguments: bind.arguments,
                };
                let waits = binding.with(|bind| cx.session.bind(cx.access, bind))?;
                self.reply(cx, waits, bind.nowait, &queue::BindOk {});
                Ok(())
            }
            queue::Method::Unbind(unbind) => {
                let queue = self.queue_named(unbind.queue)?;
                let binding = Binding {
                    source: unbind.exchange,
                    destination: &queue,
                    to_exchange: false,
                    routing_key: key_for(unbind.queue, unbind.routing_key, &queue),
                    arguments: unbind.arguments,
                };
                let waits = binding.with(|bind| cx.session.unbind(cx.access, bind))?;
                self.reply(cx, waits, false, &queue::UnbindOk {});
                Ok(())
            }
            queue::Method::Purge(purge) => {
                let queue = self.queue_named(purge.queue)?;
                let (messages, waits) = cx.session.purge(cx.access, &queue)?;
                self.reply(cx, waits, purge.nowait, &queue::PurgeOk { message_count: count(messages) });
                Ok(())
            }
            queue::Method::Delete(delete) => {
                let queue = self.queue_named(delete.queue)?;
                let (messages, waits) =
                    cx.session.delete_queue(cx.access, &queue, delete.if_unused, delete.if_empty)?;
                self.reply(cx, waits, delete.nowait, &queue::DeleteOk { message_count: count(messages) });
                Ok(())
            }
            _ => Err(super::unknown()),
        }
    }

    fn declare_queue<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        declare: &queue::Declare<'_>,
    ) -> Result<(), Fault> {
        if declare.queue.starts_with(REPLY_TO) {
            return self.declare_reply_queue(cx, declare);
        }
        // Only a declaration may make a name up; asking after no name is asking after the last one.
        let name = match (declare.queue, declare.passive) {
            ("", true) => self.queue_named("")?,
            (name, _) => name.into(),
        };
        let request = DeclareQueue {
            name: &name,
            passive: declare.passive,
            durable: declare.durable,
            exclusive: declare.exclusive,
            auto_delete: declare.auto_delete,
            arguments: &Table::from(declare.arguments),
        };
        let declared = cx.session.declare_queue(cx.access, &request)?;
        let reply = queue::DeclareOk {
            queue: &declared.name,
            message_count: count(declared.messages),
            consumer_count: count(declared.consumers),
        };
        self.reply(cx, declared.waits, declare.nowait, &reply);
        self.last_queue = Some(declared.name);
        Ok(())
    }

    /// Whoever declares a reply queue asks whether its consumer is still there. It has one by definition.
    fn declare_reply_queue<A: Access>(
        &mut self,
        cx: &mut Context<'_, A>,
        declare: &queue::Declare<'_>,
    ) -> Result<(), Fault> {
        let vhost = cx.session.vhost();
        if cx.access.catalog().queue(vhost, declare.queue).is_none() {
            return Err(Refusal::not_found(format!("no queue '{}' in vhost '{vhost}'", declare.queue)).into());
        }
        let reply = queue::DeclareOk { queue: declare.queue, message_count: 0, consumer_count: 1 };
        self.reply(cx, Waits::None, declare.nowait, &reply);
        self.last_queue = Some(declare.queue.into());
        Ok(())
    }

    /// The queue that a method names; no name stands for the one that was declared last on the channel.
    pub(super) fn queue_named(&self, name: &str) -> Result<Arc<str>, Fault> {
        match (name, &self.last_queue) {
            ("", Some(last)) => Ok(last.clone()),
            ("", None) => Err(Fault::new(ReplyCode::NotFound, "no previously declared queue")),
            _ => Ok(name.into()),
        }
    }

    fn reply<A: Access>(&self, cx: &mut Context<'_, A>, waits: Waits, nowait: bool, method: &impl Arguments) {
        if !nowait {
            cx.link.output.promise(&mut cx.link.logs, waits, self.number, method);
        }
    }
}

fn declare_exchange<A: Access>(
    cx: &mut Context<'_, A>,
    declare: &exchange::Declare<'_>,
) -> Result<Waits, Refusal> {
    let request = DeclareExchange {
        name: declare.exchange,
        kind: declare.kind,
        passive: declare.passive,
        durable: declare.durable,
        auto_delete: declare.auto_delete,
        internal: declare.internal,
        arguments: &Table::from(declare.arguments),
    };
    cx.session.declare_exchange(cx.access, &request)
}

/// A binding as the wire has it.
struct Binding<'a> {
    source: &'a str,
    destination: &'a str,
    to_exchange: bool,
    routing_key: &'a str,
    arguments: RawTable<'a>,
}

impl Binding<'_> {
    fn with<R>(&self, act: impl FnOnce(&Bind<'_>) -> R) -> R {
        act(&Bind {
            source: self.source,
            destination: self.destination,
            to_exchange: self.to_exchange,
            routing_key: self.routing_key,
            arguments: &Table::from(self.arguments),
        })
    }
}

/// A binding key that is left out along with the queue's name is that name.
fn key_for<'a>(queue_given: &str, key: &'a str, queue: &'a str) -> &'a str {
    if queue_given.is_empty() && key.is_empty() { queue } else { key }
}

fn count(messages: u64) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}
