//! The codec against bytes written out by hand, against itself, against damage, and against the codec
//! of a client library.

mod contents;
mod damage;
mod frames;
mod methods;
mod reference;
mod samples;
