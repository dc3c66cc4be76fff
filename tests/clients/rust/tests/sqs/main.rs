//! The SQS door as the AWS SDK for Rust sees it. `python3 ../python/broker.py -- cargo test` lends it a broker.

mod batches;
mod failing;
mod fifo;
mod messages;
mod refusals;
mod session;
