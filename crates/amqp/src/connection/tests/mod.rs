//! Tests of a connection: bytes in, bytes out, over a broker with two shards in memory.

mod alarm;
mod client;
mod confirm;
mod consume;
mod damage;
mod declare;
mod events;
mod handshake;
mod history;
mod publish;
mod reply;
mod trace;
mod tx;
mod world;
