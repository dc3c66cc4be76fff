//! What is told to whoever listens: RabbitMQ's event exchange and its firehose.

mod events;
mod trace;
