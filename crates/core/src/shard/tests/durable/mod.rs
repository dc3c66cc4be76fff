//! What the log holds, and what is rebuilt from it.

mod deep;
mod recovery;
mod relocation;

use super::*;
