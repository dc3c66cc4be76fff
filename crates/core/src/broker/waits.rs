//! What a promise waits for.

use crate::Wait;

/// The positions that must be durable before a promise may leave: none, or one in each log it touched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Waits {
    /// The promise holds already.
    #[default]
    None,
    /// One log, the usual case.
    One(Wait),
    /// Several logs, each once.
    Many(Box<[Wait]>),
}

impl Waits {
    /// Adds a log's position; the later one of the same log wins.
    pub fn add(&mut self, wait: Wait) {
        let mut all: Vec<Wait> = self.as_slice().to_vec();
        match all.iter_mut().find(|known| known.log == wait.log) {
            Some(known) => known.position = known.position.max(wait.position),
            None => all.push(wait),
        }
        *self = match *all.as_slice() {
            [] => Waits::None,
            [one] => Waits::One(one),
            _ => Waits::Many(all.into()),
        };
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Wait] {
        match self {
            Waits::None => &[],
            Waits::One(wait) => std::slice::from_ref(wait),
            Waits::Many(waits) => waits,
        }
    }

    /// Whether there is nothing to wait for.
    pub fn is_empty(&self) -> bool {
        *self == Waits::None
    }
}

impl From<Wait> for Waits {
    fn from(wait: Wait) -> Waits {
        Waits::One(wait)
    }
}
