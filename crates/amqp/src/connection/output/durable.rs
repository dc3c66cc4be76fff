//! How far the logs are durable, as far as this connection was told, and what it still waits for.

use leveret_core::broker::Waits;
use leveret_core::{LogId, Position};

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
    /// It will not become durable any further.
    failed: bool,
}

/// What becomes of a promise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// A log is not that far yet.
    Open,
    /// Nothing stands against it any more.
    Holds,
    /// It will never hold: a log has failed before.
    Broken,
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

    /// What becomes of a promise that waits for this.
    #[inline]
    pub(crate) fn fate(&self, waits: &Waits) -> Fate {
        let mut fate = Fate::Holds;
        for wait in waits.as_slice() {
            match self.logs.get(index(wait.log)) {
                Some(log) if log.durable >= wait.position => {}
                Some(log) if log.failed => return Fate::Broken,
                _ => fate = Fate::Open,
            }
        }
        fate
    }

    /// Whether something waits for this log.
    pub(crate) fn waits_for(&self, log: LogId) -> bool {
        self.logs.get(index(log)).is_some_and(|log| log.wanted > log.durable && !log.failed)
    }

    /// The log is durable up to a position. It never goes back.
    pub(crate) fn advance(&mut self, log: LogId, position: Position) {
        let log = self.log(log);
        log.durable = log.durable.max(position);
    }

    /// The log takes nothing more: what is not durable now never will be.
    pub(crate) fn fail(&mut self, log: LogId) {
        self.log(log).failed = true;
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
