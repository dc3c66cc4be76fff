//! How far the logs are durable, as far as this connection was told, and what it still waits for.

use leveret_core::Position;
use leveret_core::broker::Waits;
use leveret_core::{LogId, Wait};

/// The logs, each by its index: the catalog's first, then those of the shards.
#[derive(Debug, Default)]
pub(crate) struct DurableLogs {
    logs: Vec<Progress>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    durable: Position,
    /// The furthest position that anything waited for.
    wanted: Position,
}

impl DurableLogs {
    /// Takes note that something waits. Answers whether it has to.
    pub(crate) fn want(&mut self, waits: &Waits) -> bool {
        let mut has_to = false;
        for wait in waits.as_slice() {
            let log = self.log(wait.log);
            log.wanted = log.wanted.max(wait.position);
            has_to |= log.durable < wait.position;
        }
        has_to
    }

    /// Whether nothing stands against a promise any more.
    pub(crate) fn hold(&self, waits: &Waits) -> bool {
        waits.as_slice().iter().all(|wait| self.holds(wait))
    }

    /// Whether something waits for this log.
    pub(crate) fn waits_for(&self, log: LogId) -> bool {
        self.logs.get(index(log)).is_some_and(|log| log.wanted > log.durable)
    }

    /// The log is durable up to a position. It never goes back.
    pub(crate) fn advance(&mut self, log: LogId, position: Position) {
        let log = self.log(log);
        log.durable = log.durable.max(position);
    }

    fn holds(&self, wait: &Wait) -> bool {
        self.logs.get(index(wait.log)).is_some_and(|log| log.durable >= wait.position)
    }

    fn log(&mut self, log: LogId) -> &mut Progress {
        let index = index(log);
        if self.logs.len() <= index {
            self.logs.resize(index + 1, Progress::default());
        }
        &mut self.logs[index]
    }
}

fn index(log: LogId) -> usize {
    match log {
        LogId::Catalog => 0,
        LogId::Shard(shard) => 1 + usize::from(shard.0),
    }
}
