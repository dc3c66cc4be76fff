//! The broker as lapin sees it. `python3 ../python/broker.py -- cargo test` lends it a broker.

mod consuming;
mod failing;
mod publishing;
mod topology;
