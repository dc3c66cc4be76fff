//! Queues, as a client declares, empties and deletes them: the name in the catalog, the contents in a shard.

use crate::broker::{Access, Session, Waits, housekeep};
use crate::catalog::{self, DestinationKind};
use crate::wire::Table;
use crate::{LogId, QueueId, Refusal, Wait};
use std::fmt::Write as _;
use std::sync::Arc;

/// What the names of the queues of direct reply-to begin with.
pub(in crate::broker) const REPLY_QUEUE: &str = "amq.rabbitmq.reply-to.";

/// What a client asks for with `queue.declare`.
#[derive(Clone, Copy, Debug)]
pub struct DeclareQueue<'a> {
    /// Its name; empty for one that the broker makes up (`amq.gen-…`).
    pub name: &'a str,
    /// Only ask whether it is there.
    pub passive: bool,
    /// Survives a restart.
    pub durable: bool,
    /// Only for this connection, and gone with it.
    pub exclusive: bool,
    /// Deleted when its last consumer goes.
    pub auto_delete: bool,
    /// The arguments.
    pub arguments: &'a Table,
}

/// A queue that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueDeclared {
    /// Its name, the one that was made up if none was given.
    pub name: Arc<str>,
    /// The queue.
    pub queue: QueueId,
    /// Messages that are ready.
    pub messages: u64,
    /// Its consumers.
    pub consumers: u64,
    /// What the reply waits for.
    pub waits: Waits,
}

impl Session {
    /// Makes sure that a queue is there, or asks whether it is. Declaring a queue is a use of it (`x-expires`).
    ///
    /// # Errors
    /// As [`catalog::Catalog::declare_queue`] and [`catalog::Catalog::declare_queue_passively`].
    pub fn declare_queue<A: Access>(
        &mut self,
        access: &mut A,
        declare: &DeclareQueue<'_>,
    ) -> Result<QueueDeclared, Refusal> {
        if declare.passive {
            let found = access.catalog().declare_queue_passively(self.caller(), &self.vhost, declare.name)?;
            let (queue, name) = (found.id, found.name.clone());
            access.shard(queue.shard()).touch_queue(queue);
            return Ok(self.declared(access, queue, name, Waits::None));
        }
        if declare.name.is_empty() {
            let name = generated_name(access, "amq.gen-");
            return self.declare_named(access, &name, true, declare);
        }
        self.declare_named(access, declare.name, false, declare)
    }

    /// Makes the queue behind a consumer of `amq.rabbitmq.reply-to`: exclusive, and gone with its consumer.
    ///
    /// # Errors
    /// As [`catalog::Catalog::declare_queue`].
    pub fn declare_reply_queue<A: Access>(&mut self, access: &mut A) -> Result<QueueDeclared, Refusal> {
        let name = generated_name(access, REPLY_QUEUE);
        let wanted = catalog::DeclareQueue {
            durable: false,
            exclusive: true,
            auto_delete: true,
            server_named: true,
            arguments: Table::new(),
        };
        // RabbitMQ asks for no permission here, so the broker declares it and the connection owns it.
        let owner = catalog::Caller::owner(self.connection);
        let (declared, wait) =
            access.change(|catalog| catalog.declare_queue(owner, &self.vhost, &name, wanted));
        let declared = declared?;
        self.open(access, declared.queue);
        Ok(self.declared(access, declared.queue, declared.name, Waits::One(wait)))
    }

    /// Deletes a queue with all that is in it; one that is not there is no error. Answers how many messages were
    /// ready in it, and what the reply waits for.
    ///
    /// # Errors
    /// As [`catalog::Catalog::deletable_queue`], and [`crate::Cause::PreconditionFailed`] if it has consumers and
    /// `if_unused`, or ready messages and `if_empty`.
    pub fn delete_queue<A: Access>(
        &mut self,
        access: &mut A,
        name: &str,
        if_unused: bool,
        if_empty: bool,
    ) -> Result<(u64, Waits), Refusal> {
        let found = access.catalog().deletable_queue(self.caller(), &self.vhost, name)?;
        let Some(queue) = found.map(|queue| queue.id) else { return Ok((0, Waits::None)) };
        let stats = access.shard(queue.shard()).stats(queue).unwrap_or_default();
        let refuse = |why| Refusal::precondition(format!("queue '{name}' in vhost '{}' {why}", self.vhost));
        if if_unused && stats.consumers > 0 {
            return Err(refuse("in use"));
        }
        if if_empty && stats.ready > 0 {
            return Err(refuse("not empty"));
        }
        housekeep::delete_queue(access, queue)
    }

    /// Drops the ready messages of a queue; answers how many there were, and what the reply waits for.
    ///
    /// # Errors
    /// As [`Session::find_queue`], and [`crate::Cause::AccessRefused`] without read permission.
    pub fn purge<A: Access>(&mut self, access: &mut A, name: &str) -> Result<(u64, Waits), Refusal> {
        access.catalog().may_read(&self.user, &self.vhost, DestinationKind::Queue, name)?;
        let queue = self.find_queue(access, name)?;
        let shard = access.shard(queue.shard());
        let purged = shard.purge(queue);
        let wait = Wait { log: LogId::Shard(queue.shard()), position: shard.write_out() };
        Ok((purged, Waits::One(wait)))
    }

    fn declare_named<A: Access>(
        &self,
        access: &mut A,
        name: &str,
        server_named: bool,
        declare: &DeclareQueue<'_>,
    ) -> Result<QueueDeclared, Refusal> {
        let wanted = catalog::DeclareQueue {
            durable: declare.durable,
            exclusive: declare.exclusive,
            auto_delete: declare.auto_delete,
            server_named,
            arguments: declare.arguments.clone(),
        };
        let (declared, wait) =
            access.change(|catalog| catalog.declare_queue(self.caller(), &self.vhost, name, wanted));
        let declared = declared?;
        if declared.created {
            self.open(access, declared.queue);
        } else {
            access.shard(declared.queue.shard()).touch_queue(declared.queue);
        }
        Ok(self.declared(access, declared.queue, declared.name, Waits::One(wait)))
    }

    /// Opens a queue in its shard as the catalog has it.
    fn open<A: Access>(&self, access: &mut A, queue: QueueId) {
        housekeep::apply_settings(access, &[queue]);
    }

    fn declared<A: Access>(
        &self,
        access: &mut A,
        queue: QueueId,
        name: Arc<str>,
        waits: Waits,
    ) -> QueueDeclared {
        let stats = access.shard(queue.shard()).stats(queue).unwrap_or_default();
        QueueDeclared { name, queue, messages: stats.ready, consumers: stats.consumers, waits }
    }
}

/// A name that nobody else has and nobody can guess: 128 random bits in hexadecimal.
fn generated_name<A: Access>(access: &mut A, prefix: &str) -> String {
    let mut name = String::with_capacity(prefix.len() + 32);
    name.push_str(prefix);
    for _ in 0..2 {
        // Writing to a string cannot fail.
        let _ = write!(name, "{:016x}", access.random());
    }
    name
}
