//! Runs the message move tasks of the catalog: a few messages ten times a second, so that a queue of dead letters does
//! not come down on its consumers at once.

use crate::broker::Broker;
use leveret_core::broker::{Access, MoveStep, move_messages};
use leveret_core::catalog::{MoveStatus, MoveTask};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often tasks are looked at.
const PERIOD: Duration = Duration::from_millis(100);
/// Messages a second where a task names no rate (SQS: up to 500).
const RATE: u32 = 500;
/// How often the progress of a task is written down.
const WRITTEN_EVERY: Duration = Duration::from_secs(1);

/// What the mover remembers of a running task.
struct Running {
    moved: u64,
    /// Tenths of messages that it may still move: a low rate is less than one in a period.
    credit: u32,
    written: Instant,
}

/// Runs until the broker stops.
pub async fn run(broker: Arc<Broker>, mut stopping: watch::Receiver<bool>) {
    let mut running: FxHashMap<Arc<str>, Running> = FxHashMap::default();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        let active: Vec<(Arc<str>, MoveTask)> = {
            let turn = broker.turn();
            turn.catalog().active_move_tasks().map(|(id, task)| (id.clone(), task.clone())).collect()
        };
        running.retain(|id, _| active.iter().any(|(known, _)| known == id));
        for (id, task) in active {
            let state = running.entry(id.clone()).or_insert_with(|| Running {
                moved: task.moved,
                credit: 0,
                written: Instant::now(),
            });
            step(&broker, &id, task, state).await;
        }
    }
}

/// One step of a task.
async fn step(broker: &Arc<Broker>, id: &str, task: MoveTask, state: &mut Running) {
    if task.status == MoveStatus::Cancelling {
        return write(broker, id, MoveTask { status: MoveStatus::Cancelled, moved: state.moved, ..task });
    }
    state.credit = (state.credit + task.rate.unwrap_or(RATE)).min(10 * RATE);
    let most = state.credit / 10;
    if most == 0 {
        return;
    }
    let done = move_messages(&mut broker.turn(), &task, most);
    state.credit -= (done.moved as u32 * 10).min(state.credit);
    state.moved += done.moved;
    let moved = state.moved;
    let (failure, exhausted) = (done.failure, done.exhausted);
    // What has moved is deleted at its source, whatever stopped the rest.
    finish(broker, done).await;
    if let Some(failure) = failure {
        return write(
            broker,
            id,
            MoveTask { status: MoveStatus::Failed, moved, failure: Some(failure.into()), ..task },
        );
    }
    if exhausted {
        return write(broker, id, MoveTask { status: MoveStatus::Completed, moved, ..task });
    }
    if state.written.elapsed() >= WRITTEN_EVERY {
        state.written = Instant::now();
        write(broker, id, MoveTask { moved, ..task });
    }
}

/// Deletes at the source what is safe in the logs of other shards now.
async fn finish(broker: &Arc<Broker>, done: MoveStep) {
    let Some(source) = done.source else { return };
    for (receipt, waits) in done.pending {
        if !broker.wait_for(&waits).await {
            return;
        }
        // A lease that has ended meanwhile does not matter: the message is at its destination.
        let _gone = broker.turn().shard(source.shard()).delete(source, receipt);
    }
}

/// Writes down how a task stands, unless somebody has asked it to stop meanwhile.
fn write(broker: &Arc<Broker>, id: &str, task: MoveTask) {
    let (written, _wait) = broker.turn().change(|catalog| {
        let cancelling = catalog.move_task(id).is_some_and(|known| known.status == MoveStatus::Cancelling);
        if cancelling && task.status == MoveStatus::Running {
            return Ok(());
        }
        catalog.put_move_task(id, task)
    });
    if let Err(refusal) = written {
        tracing::warn!(%refusal, "the state of a message move task could not be written");
    }
}
