//! What a client does next.

use super::{consume, disconnect, publish, topology};
use crate::Violation;
use crate::world::World;

/// One action of a client.
pub(crate) fn act(world: &mut World, who: usize) -> Result<(), Violation> {
    match world.dice.below(100) {
        0..=39 => publish::publish(world, who),
        40..=64 => consume::settle(world, who),
        65..=76 => consume::subscribe(world, who),
        77..=80 => consume::cancel(world, who),
        81..=88 => consume::get(world, who),
        89..=91 => disconnect(world, who),
        92 | 93 => topology::declare_one(world, who),
        94 => topology::delete(world, who),
        95 => topology::purge(world, who),
        96 => topology::unpark(world),
        97 => topology::change_policy(world),
        _ => publish::flood(world, who),
    }
}
