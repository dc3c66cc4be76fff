//! Kinds of exchange that send each message one way: by chance, or by a hash of something in it.

mod consistent_hash;
mod local_random;
mod modulus_hash;
mod random;
mod ways;

pub(super) use consistent_hash::ConsistentHash;
pub(super) use local_random::LocalRandom;
pub(super) use modulus_hash::ModulusHash;
pub(super) use random::Random;
