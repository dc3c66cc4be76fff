//! The bytes for the client: those that may leave, and those that a promise holds back.
//!
//! A reply that is a promise (declare-ok of a durable queue, commit-ok) waits until the log has it. Frames keep
//! their order, so everything behind such a reply waits with it. It also counts the deliveries on their way, so
//! that the shards' windows open again once the client has them.

pub(crate) mod deliver;
pub(crate) mod durable;

use crate::codec::frame::HEARTBEAT;
use crate::codec::method::Arguments;
use durable::{DurableLogs, Fate};
use leveret_core::broker::{Access, Waits};
use leveret_core::{ConnectionId, ShardIndex};
use std::collections::VecDeque;

/// The outgoing bytes of a connection.
#[derive(Debug, Default)]
pub(crate) struct Output {
    ready: Vec<u8>,
    gates: VecDeque<Gate>,
    /// Bytes behind all gates but the last.
    gated_bytes: usize,
    windows: Vec<Window>,
}

/// Bytes that wait behind a promise, the promise itself first.
#[derive(Debug)]
struct Gate {
    waits: Waits,
    bytes: Vec<u8>,
}

/// The deliveries of one shard that the client does not have yet.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    /// Behind a gate.
    held: Count,
    /// In the ready bytes.
    ready: Count,
    /// In bytes that were taken to be written.
    flying: Count,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    messages: u64,
    bytes: u64,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }
}

impl Output {
    /// What may be written. Whoever writes it takes it out, and calls [`Output::written`] afterwards.
    pub(crate) fn ready(&mut self) -> &mut Vec<u8> {
        &mut self.ready
    }

    /// Bytes that wait to be taken, those behind promises included.
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.gated_bytes + self.gates.back().map_or(0, |gate| gate.bytes.len())
    }

    /// Where the next frame goes: behind everything.
    #[inline]
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        match self.gates.back_mut() {
            Some(gate) => &mut gate.bytes,
            None => &mut self.ready,
        }
    }

    /// Appends a method.
    pub(crate) fn method(&mut self, channel: u16, method: &impl Arguments) {
        method.write_frame(channel, self.tail());
    }

    /// Appends a method that is a promise: it, and what is appended after it, waits.
    pub(crate) fn promise(
        &mut self,
        logs: &mut DurableLogs,
        waits: Waits,
        channel: u16,
        method: &impl Arguments,
    ) {
        if logs.want(&waits) {
            self.gated_bytes += self.gates.back().map_or(0, |gate| gate.bytes.len());
            self.gates.push_back(Gate { waits, bytes: Vec::new() });
        }
        self.method(channel, method);
    }

    /// Opens the gates whose promises hold now. Answers whether the next one is broken and will never open.
    pub(crate) fn open_gates(&mut self, logs: &DurableLogs) -> bool {
        let mut broken = false;
        while let Some(gate) = self.gates.front() {
            match logs.fate(&gate.waits) {
                Fate::Holds => {}
                fate => {
                    broken = fate == Fate::Broken;
                    break;
                }
            }
            let bytes = self.gates.pop_front().map(|gate| gate.bytes).unwrap_or_default();
            self.gated_bytes -= if self.gates.is_empty() { 0 } else { bytes.len() };
            self.settle_ready();
            self.ready.extend_from_slice(&bytes);
        }
        if self.gates.is_empty() {
            for window in &mut self.windows {
                window.ready.add(std::mem::take(&mut window.held));
            }
        }
        broken
    }

    /// Whether anything waits behind a promise.
    pub(crate) fn is_gated(&self) -> bool {
        !self.gates.is_empty()
    }

    /// Gives up on the promises that do not hold yet, and on all behind them.
    pub(crate) fn drop_gates(&mut self) {
        self.gates.clear();
        self.gated_bytes = 0;
    }

    /// Appends a heartbeat, before anything that waits.
    pub(crate) fn heartbeat(&mut self) {
        self.ready.extend_from_slice(&HEARTBEAT);
    }

    /// Begins a batch of deliveries: those before it may have been taken to be written meanwhile.
    pub(crate) fn settle_ready(&mut self) {
        if self.ready.is_empty() {
            for window in &mut self.windows {
                window.flying.add(std::mem::take(&mut window.ready));
            }
        }
    }

    /// Counts a delivery that was just appended.
    #[inline]
    pub(crate) fn delivered(&mut self, shard: ShardIndex, bytes: u32) {
        let index = usize::from(shard.0);
        if self.windows.len() <= index {
            self.windows.resize(index + 1, Window::default());
        }
        let window = &mut self.windows[index];
        let count = if self.gates.is_empty() { &mut window.ready } else { &mut window.held };
        count.add(Count { messages: 1, bytes: u64::from(bytes) });
    }

    /// What was taken is with the client now: the shards may send more.
    pub(crate) fn written<A: Access>(&mut self, access: &mut A, connection: ConnectionId) {
        self.settle_ready();
        for (index, window) in self.windows.iter_mut().enumerate() {
            let count = std::mem::take(&mut window.flying);
            if count.messages > 0 {
                // There are no more windows than shards, whose numbers have 16 bits.
                access.shard(ShardIndex(index as u16)).written(connection, count.messages, count.bytes);
            }
        }
    }

    /// Bytes of bodies that the client does not have yet.
    pub(crate) fn undelivered_bytes(&self) -> u64 {
        self.windows.iter().map(|window| window.held.bytes + window.ready.bytes + window.flying.bytes).sum()
    }
}
