//! How often a message asks for memory: the steady path must not.
//!
//! Every allocation of the test's thread is counted, from the bytes of a publish to the bytes of its ack, after the
//! buffers have grown. What remains are buffers that grow once more or are made for a whole batch, which is why the
//! bounds are not zero. Where a bound is exceeded, the test says who asks.

use crate::flow::{Acks, AmqpFlow, AmqpKind, SqsFlow};
use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

const MESSAGES: u64 = 10_000;

/// Allocations per message of AMQP, at most: one in a hundred messages.
const AMQP_BOUND: f64 = 0.01;

const DURABLE: AmqpKind =
    AmqpKind { queues: 1, body_bytes: 100, durable: true, confirms: true, acks: Acks::Every(100), turn: 500 };

#[test]
fn a_durable_message_with_confirms_and_acks_by_hundreds_asks_for_no_memory() {
    amqp("durable, confirms, ack per 100", DURABLE);
}

#[test]
fn a_durable_message_with_an_ack_of_its_own_asks_for_no_memory() {
    amqp("durable, ack each", AmqpKind { confirms: false, acks: Acks::Each, ..DURABLE });
}

#[test]
fn a_transient_message_without_acks_asks_for_no_memory() {
    amqp("transient, no ack", AmqpKind { durable: false, confirms: false, acks: Acks::None, ..DURABLE });
}

#[test]
fn messages_of_four_queues_ask_for_no_memory() {
    amqp("four queues", AmqpKind { queues: 4, body_bytes: 256, ..DURABLE });
}

#[test]
fn a_large_message_asks_for_no_memory() {
    amqp("16 KiB", AmqpKind { body_bytes: 16 << 10, ..DURABLE });
}

/// One message at a time is a turn and a batch of the log of its own. The batch is a list, which is the one allocation.
#[test]
fn a_message_alone_asks_for_little_memory() {
    let mut flow = AmqpFlow::new(AmqpKind { turn: 1, acks: Acks::Each, ..DURABLE });
    flow.run(MESSAGES);
    bounded("one at a time", MESSAGES, 1.01, || flow.run(MESSAGES));
}

/// A request is text, and so is its answer: each has names, parameters and headers of its own. The bounds are what there
/// is today, so that more is noticed.
#[test]
fn sqs_asks_for_a_bounded_amount_of_memory() {
    let mut flow = SqsFlow::new(100);
    flow.send(1_000);
    flow.receive_and_delete();
    bounded("SendMessage, JSON", 1_000, 36.0, || flow.send(1_000));
    bounded("ReceiveMessage of 10 and 10 DeleteMessage, per message", 1_000, 31.0, || {
        flow.receive_and_delete()
    });
    bounded("SendMessage, Query", 1_000, 51.0, || flow.send_by_query(1_000));
}

/// Lets a flow grow its buffers, then counts.
fn amqp(what: &str, kind: AmqpKind) {
    let mut flow = AmqpFlow::new(kind);
    let messages = MESSAGES / flow.round() * flow.round();
    flow.run(messages);
    bounded(what, messages, AMQP_BOUND, || flow.run(messages));
}

/// Counts and prints the allocations of `work`, which handles so many messages.
///
/// # Panics
/// If there are more than `bound` per message; it says who asked for memory when the work was done once more.
fn bounded(what: &str, messages: u64, bound: f64, mut work: impl FnMut()) {
    let before = COUNT.get();
    work();
    let each = (COUNT.get() - before) as f64 / messages as f64;
    println!("{what}: {each:.4} allocations per message");
    if each <= bound {
        return;
    }
    TRACED.set(true);
    work();
    TRACED.set(false);
    let mut callers: Vec<_> = CALLERS.take().into_iter().collect();
    callers.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (stack, count) in callers.iter().take(8) {
        println!("{:.4} per message from\n{stack}", *count as f64 / messages as f64);
    }
    panic!("{what}: {each:.4} allocations per message, {bound} are allowed");
}

thread_local! {
    /// Allocations of this thread.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    /// Whether to note who asks.
    static TRACED: Cell<bool> = const { Cell::new(false) };
    /// How often each stack asked.
    static CALLERS: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// The system's allocator, with a count.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    COUNT.set(COUNT.get() + 1);
    // To note it asks for memory, too.
    if TRACED.replace(false) {
        let stack = Backtrace::force_capture().to_string();
        CALLERS.with_borrow_mut(|callers| *callers.entry(ours(&stack)).or_default() += 1);
        TRACED.set(true);
    }
}

/// The functions of this workspace in a stack.
fn ours(stack: &str) -> String {
    stack.lines().filter(|line| line.contains("leveret_")).collect::<Vec<_>>().join("\n")
}

// SAFETY: every call is the system allocator's own, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(memory, layout, bytes) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}
