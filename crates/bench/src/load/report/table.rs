//! The report as tables, for people.

use super::Report;
use crate::figures::{mib, print_line, rate};
use crate::load::measure::{PERCENTILES, Summary};
use crate::load::row::Row;
use crate::load::run::{Fate, Seen};

/// Prints the whole report.
pub(crate) fn print(report: &Report) {
    println!("{}, {}", report.url, report.broker);
    println!("the machine was {:.0} % busy before", report.busy_before * 100.0);
    println!();
    print_rates(&report.rows);
    println!();
    print_latencies(&report.rows);
    for (row, seen) in &report.rows {
        if !seen.fate.is_right() {
            println!();
            println!("{}: THE BROKER DID NOT KEEP ITS PROMISES", row.name);
            print_fate(&seen.fate);
        }
    }
}

fn print_rates(rows: &[(Row, Seen)]) {
    let columns = ["published", "consumed", "CPU/message", "switches/msg", "resident", "peak"];
    print_line("", &columns.map(str::to_owned));
    for (row, seen) in rows {
        let of = |count: u64| if count == 0 { "-".to_owned() } else { rate(count, seen.window) };
        let messages = seen.messages().max(1) as f64;
        let mut cells = vec![of(seen.published), of(seen.consumed)];
        match seen.used {
            Some(used) => cells.extend([
                format!("{:.2} µs", used.cpu.as_secs_f64() * 1e6 / messages),
                format!("{:.4}", used.context_switches as f64 / messages),
                mib(used.resident_end),
                mib(used.peak),
            ]),
            None => cells.extend(["-"; 4].map(str::to_owned)),
        }
        print_line(&row.name, &cells);
        if let Some((count, time)) = seen.filled {
            print_line("  (its backlog)", &[rate(count, time)]);
        }
    }
}

fn print_latencies(rows: &[(Row, Seen)]) {
    let names = PERCENTILES.iter().map(|(name, _)| *name).chain(["max"]);
    print_line("milliseconds, from when a message was due", &names.map(str::to_owned).collect::<Vec<_>>());
    for (row, seen) in rows {
        println!("{}", row.name);
        let kinds = [
            ("  publish to confirm", seen.confirm),
            ("  publish to consume", seen.consume),
            ("  bare write and fdatasync", seen.bare_sync),
        ];
        for (name, summary) in kinds {
            if let Some(summary) = summary {
                print_line(name, &milliseconds(&summary));
            }
        }
    }
}

fn milliseconds(summary: &Summary) -> Vec<String> {
    let all = summary.percentiles_ns.iter().chain([&summary.max_ns]);
    all.map(|&ns| format!("{:.3}", ns as f64 / 1e6)).collect()
}

fn print_fate(fate: &Fate) {
    let Fate { expected, received, waiting, missing, surplus, out_of_order, redelivered, .. } = fate;
    println!("  {expected} deliveries expected, {received} received, {waiting} waiting");
    println!(
        "  {missing} missing, {surplus} too many, {out_of_order} out of order, {redelivered} redelivered"
    );
    if fate.changed {
        println!("  as many as there should be, but not the same messages");
    }
}
