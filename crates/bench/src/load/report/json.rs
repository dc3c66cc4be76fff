//! The report as one JSON object. Its form is documented in `docs/benchmarks.md`; what is there stays.

use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Report;
use crate::load::measure::{PERCENTILES, Summary};
use crate::load::row::Row;
use crate::load::run::{Fate, Seen, Used};

/// The version of the form.
const VERSION: u32 = 1;

/// The whole report.
pub(crate) fn json(report: &Report) -> Value {
    json!({
        "version": VERSION,
        "url": report.url,
        "broker": report.broker,
        "machine": {
            "cpus": thread::available_parallelism().map_or(0, |cpus| cpus.get()),
            "busy_before": report.busy_before,
        },
        "rows": report.rows.iter().map(|(row, seen)| one(row, seen)).collect::<Vec<_>>(),
    })
}

fn one(row: &Row, seen: &Seen) -> Value {
    let parameters: Map<String, Value> =
        row.draft.texts().map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
    json!({
        "name": row.name,
        "parameters": parameters,
        "seconds": seconds(seen.window),
        "published": seen.published,
        "consumed": seen.consumed,
        "published_per_second": per_second(seen.published, seen.window),
        "consumed_per_second": per_second(seen.consumed, seen.window),
        "fill": seen.filled.map(|(count, time)| json!({
            "published": count,
            "seconds": seconds(time),
            "published_per_second": per_second(count, time),
        })),
        "drained_after_seconds": seconds(seen.drained_after),
        "latency_us": {
            "publish_to_confirm": seen.confirm.map(latency),
            "publish_to_consume": seen.consume.map(latency),
            "bare_fdatasync": seen.bare_sync.map(latency),
        },
        "process": seen.used.map(|used| process(&used, seen.messages())),
        "messages": fate(&seen.fate),
    })
}

fn latency(summary: Summary) -> Value {
    let micros = |ns: u64| Value::from(ns as f64 / 1e3);
    let percentiles = PERCENTILES.iter().zip(summary.percentiles_ns);
    let mut values: Map<String, Value> =
        percentiles.map(|((name, _), ns)| ((*name).to_owned(), micros(ns))).collect();
    values.insert("max".to_owned(), micros(summary.max_ns));
    values.insert("count".to_owned(), Value::from(summary.count));
    Value::Object(values)
}

fn process(used: &Used, messages: u64) -> Value {
    let messages = messages.max(1) as f64;
    json!({
        "cpu_us_per_message": used.cpu.as_secs_f64() * 1e6 / messages,
        "cpu_seconds": seconds(used.cpu),
        "context_switches_per_message": used.context_switches as f64 / messages,
        "resident_before_bytes": used.resident_before,
        "resident_ready_bytes": used.resident_ready,
        "resident_end_bytes": used.resident_end,
        "resident_peak_bytes": used.peak,
    })
}

fn fate(fate: &Fate) -> Value {
    json!({
        "published": fate.published,
        "expected": fate.expected,
        "received": fate.received,
        "waiting": fate.waiting,
        "missing": fate.missing,
        "surplus": fate.surplus,
        "changed": fate.changed,
        "out_of_order": fate.out_of_order,
        "redelivered": fate.redelivered,
        "right": fate.is_right(),
    })
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}
