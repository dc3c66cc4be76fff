//! How much is remembered, and for how long.

use super::*;

fn memory(length: usize) -> Memory {
    Memory { length, identity: Arc::new(()) }
}

fn message(text: &str, bytes: usize) -> Arc<Remembered> {
    let body = vec![b'x'; bytes];
    Arc::new(Remembered::from(&Publish {
        exchange: "x",
        routing_key: text,
        properties: &[0, 0],
        body: &body,
    }))
}

fn recalled(history: &History, memory: &Memory) -> Vec<String> {
    history.recall(memory).iter().map(|message| message.routing_key.to_string()).collect()
}

#[test]
fn an_exchange_remembers_its_last_messages_in_their_order() {
    let (mut history, two, five) = (History::default(), memory(2), memory(5));
    for text in ["a", "b", "c"] {
        history.keep(&two, &message(text, 0));
        history.keep(&five, &message(text, 0));
    }
    assert_eq!(recalled(&history, &two), ["b", "c"]);
    assert_eq!(recalled(&history, &five), ["a", "b", "c"]);
    assert!(recalled(&history, &memory(5)).is_empty());
}

#[test]
fn what_is_remembered_is_bounded_in_bytes() {
    let (mut history, other, memory) = (History::default(), memory(100), memory(100));
    history.keep(&other, &message("small", 10));
    for number in 0..20 {
        history.keep(&memory, &message(&number.to_string(), RECENT_HISTORY_BYTES / 4));
        assert!(history.bytes <= RECENT_HISTORY_BYTES);
    }
    assert_eq!(recalled(&history, &memory), ["17", "18", "19"]);
    history.keep(&memory, &message("whole", RECENT_HISTORY_BYTES));
    assert!(recalled(&history, &memory).is_empty(), "there is no room for it whatever goes");
    assert_eq!(recalled(&history, &other), ["small"], "no other exchange pays");
}

#[test]
fn an_exchange_that_is_gone_is_forgotten() {
    let (mut history, gone, left) = (History::default(), memory(5), memory(5));
    history.keep(&gone, &message("a", 100));
    history.keep(&left, &message("b", 100));
    drop(gone);
    history.tidy();
    assert_eq!(history.of_exchange.len(), 1);
    assert_eq!(history.bytes, message("b", 100).bytes());
    history.keep(&left, &message("c", 100));
    assert_eq!(recalled(&history, &left), ["b", "c"]);
}
