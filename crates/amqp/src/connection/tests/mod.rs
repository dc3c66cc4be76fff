//! Tests of a connection: bytes in, bytes out, over a broker with two shards in memory.

mod alarm;
mod announce;
mod client;
mod consume;
mod damage;
mod declare;
mod handshake;
mod publish;
mod runs;
mod world;
