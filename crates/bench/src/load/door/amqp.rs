//! AMQP 0-9-1.

use std::time::Duration;

use leveret_core::wire::{ShortStr, Table, Value};

use super::pipeline::{self, Pipelined};
use super::{Consume, Door, DoorError, Publish, Published, Task};
use crate::client::{ClientError, Connection, ConsumeOptions, Consumer, Endpoint, PublishOptions, Publisher};
use crate::load::measure::{Clock, Tally};
use crate::load::row::Row;

/// A broker of AMQP.
pub(crate) struct Amqp(pub(crate) Endpoint);

impl Amqp {
    fn connect(&self) -> Result<Connection, DoorError> {
        Connection::open_at(&self.0).map_err(|error| match error {
            ClientError::Io(error) => DoorError::Unreachable { place: self.0.address.to_string(), error },
            error => DoorError::Amqp(error),
        })
    }
}

impl Door for Amqp {
    fn broker(&self) -> Result<String, DoorError> {
        let connection = self.connect()?;
        let product = connection.product().to_owned();
        connection.close()?;
        Ok(product)
    }

    fn prepare(&self, row: &Row) -> Result<(), DoorError> {
        self.clear(row)?;
        let mut connection = self.connect()?;
        let arguments = arguments(row);
        if row.fan_out {
            connection.declare_fanout(&row.exchange_name())?;
        }
        for name in row.queue_names() {
            connection.declare_queue(&name, row.durable, &arguments)?;
            if row.fan_out {
                connection.bind(&name, &row.exchange_name())?;
            }
        }
        Ok(connection.close()?)
    }

    fn publisher(&self, row: &Row, index: u16, queues: &[String]) -> Result<Box<dyn Publish>, DoorError> {
        let exchange = if row.fan_out { row.exchange_name() } else { String::new() };
        let options = PublishOptions {
            exchange: &exchange,
            routing_keys: if row.fan_out { &queues[..1] } else { queues },
            sizes: row.sizes.clone(),
            persistent: row.durable,
            confirm_window: row.confirm_window as usize,
            publisher: index,
            groups: u64::from(row.groups),
        };
        Ok(Box::new(Publishing(self.connect()?.publisher(&options)?)))
    }

    fn consumer(&self, row: &Row, queues: &[String]) -> Result<Box<dyn Consume>, DoorError> {
        let options = ConsumeOptions { prefetch: row.prefetch, acking: row.acking };
        let consumer = self.connect()?.consumer(queues, options)?;
        Ok(Box::new(Consuming { consumer, groups: row.groups > 0 }))
    }

    fn idle(&self) -> Result<Box<dyn Send>, DoorError> {
        Ok(Box::new(self.connect()?.idle()))
    }

    fn keeps_order(&self, _: &Row) -> bool {
        true
    }

    fn waiting(&self, row: &Row) -> Result<u64, DoorError> {
        let mut connection = self.connect()?;
        let mut waiting = 0;
        for name in row.queue_names() {
            waiting += u64::from(connection.message_count(&name)?);
        }
        connection.close()?;
        Ok(waiting)
    }

    fn clear(&self, row: &Row) -> Result<(), DoorError> {
        let mut connection = self.connect()?;
        if row.fan_out {
            connection.delete_exchange(&row.exchange_name())?;
        }
        for name in row.queue_names() {
            connection.delete(&name)?;
        }
        Ok(connection.close()?)
    }
}

/// The arguments of a row's queues.
fn arguments(row: &Row) -> Table {
    let mut arguments = Table::new();
    if let Some(queue_type) = &row.queue_type {
        arguments.insert(ShortStr::literal("x-queue-type"), Value::from(queue_type.as_str()));
    }
    if row.groups > 0 {
        arguments.insert(ShortStr::literal("x-groups"), Value::Bool(true));
    }
    arguments
}

struct Publishing(Publisher);

impl Publish for Publishing {
    fn publish(&mut self, task: &Task<'_>, seen: &mut Published) -> Result<(), DoorError> {
        pipeline::publish(self, task, seen)
    }

    fn close(self: Box<Self>) -> Result<(), DoorError> {
        Ok(self.0.close()?)
    }
}

impl Pipelined for Publishing {
    fn sent(&self) -> u64 {
        self.0.sent()
    }

    fn room(&self) -> u64 {
        self.0.room()
    }

    fn unconfirmed(&self) -> u64 {
        self.0.unconfirmed()
    }

    fn send(
        &mut self,
        most: u64,
        now_ns: u64,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError> {
        self.0.send(most, |number| task.pace.intended_ns(number, now_ns))?;
        if task.pace.is_open_loop() {
            self.take_confirms(Some(Duration::ZERO), task, seen)?;
        }
        note(&self.0, task, seen);
        Ok(())
    }

    fn take_confirms(
        &mut self,
        most: Option<Duration>,
        task: &Task<'_>,
        seen: &mut Published,
    ) -> Result<(), DoorError> {
        if let Some(most) = most
            && !self.0.wait(most)?
        {
            return Ok(());
        }
        let mut now_ns = None;
        self.0.take_confirms(|intended_ns| {
            // The first one of a read is looked at as soon as it came.
            let now_ns = *now_ns.get_or_insert_with(|| task.clock.now_ns());
            seen.confirms.take(intended_ns, now_ns);
        })?;
        note(&self.0, task, seen);
        seen.sync_beside(task.clock)
    }
}

fn note(publisher: &Publisher, task: &Task<'_>, seen: &mut Published) {
    seen.count = publisher.done();
    task.gauge.set(seen.count);
}

struct Consuming {
    consumer: Consumer,
    /// Its queues have groups.
    groups: bool,
}

impl Consume for Consuming {
    fn consume(&mut self, clock: Clock, tally: &mut Tally) -> Result<(), DoorError> {
        if self.groups {
            // What is held keeps its group from going on: to wait for more would be to wait for ever.
            self.consumer.finish()?;
        }
        if self.consumer.wait()? {
            let now_ns = clock.now_ns();
            self.consumer.handle(|delivery| {
                tally.take(delivery.queue, delivery.stamp, delivery.redelivered, now_ns);
            })?;
        }
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), DoorError> {
        self.consumer.finish()?;
        Ok(self.consumer.close()?)
    }
}
