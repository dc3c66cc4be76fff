//! Consumers, their credit, what they hold and how it ends.

mod consumers;
mod credit;
mod groups;
mod settle;

use super::*;
