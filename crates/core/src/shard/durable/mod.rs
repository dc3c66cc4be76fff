//! What survives a restart: the facts in the log, the checkpoint that bounds their replay, and the account
//! of the log's space.

pub(super) mod bytes;
pub(super) mod checkpoint;
pub(super) mod fact;
pub(super) mod relocate;
pub(super) mod replay;
pub(super) mod space;
