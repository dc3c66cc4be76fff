//! Delayed exchanges: they route as the kind that their argument `x-delayed-type` names, and their messages wait for
//! as long as the header `x-delay` says. The wait is the queue's; here it is only known that there is one.

use super::{Kind, Router};
use crate::Refusal;
use crate::wire::{Table, Value};

/// The kind `x-delayed-message`.
pub(super) struct Delayed;

impl Kind for Delayed {
    fn name(&self) -> &'static str {
        "x-delayed-message"
    }

    fn router(&self, arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        let name = arguments.get("x-delayed-type").and_then(Value::as_str).unwrap_or_default();
        match super::kind(name) {
            Some(kind) if !kind.delays() => kind.router(arguments),
            _ => Err(Refusal::precondition(
                "Invalid argument, 'x-delayed-type' must be an existing exchange type",
            )),
        }
    }

    fn delays(&self) -> bool {
        true
    }
}
