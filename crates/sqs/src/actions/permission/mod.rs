//! Queue policies: who may do what, beside the broker's own permissions.

mod add_permission;
mod evaluate;
mod remove_permission;

pub(super) use add_permission::add_permission;
pub(super) use evaluate::{Verdict, Wish, verdict};
pub(super) use remove_permission::remove_permission;
