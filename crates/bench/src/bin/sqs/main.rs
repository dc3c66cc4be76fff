//! `sqs`: how fast a broker serves SQS over HTTP, beside the ceiling (an HTTP server that answers a fixed body) and
//! moto_server. Many connections with keep-alive each send a request, wait for its answer, and send the next: AWS
//! JSON 1.0, with the headers of an SDK.
//!
//! Every run starts all servers afresh, and each row goes round them, so that a slow minute of the machine falls on
//! all of them. Figures of different machines, or of different days, do not compare.

mod client;
mod server;
mod work;

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use leveret_bench::figures::{grouped, median, print_line};
use leveret_bench::observe::busy_share;
use leveret_bench::options::{Known, Options};
use leveret_bench::target::{TARGET_OPTIONS, Target};

use leveret_bench::sqs::Dialect;
use server::Server;
use work::{Extent, ROWS, Row, Seen};

/// How long the machine is looked at before anything is started.
const OVERTURE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sqs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut known: Vec<Known> = vec![
        ("runs", "how often each row is measured; the medians are printed (3)"),
        ("seconds", "how long each row is measured (3)"),
        ("warm-up-ms", "how long it works before that, in milliseconds (500)"),
        ("connections", "how many connections work at once (64)"),
        ("size", "the bytes of a message (100)"),
        ("only", "a part of the names of the rows that are wanted (all)"),
        ("ceiling", "the binary of http_ceiling, to measure beside the broker"),
        ("moto", "the path of moto_server, to measure beside the broker"),
    ];
    known.extend(TARGET_OPTIONS);
    let options = Options::read(&known, env::args().skip(1))?;
    let target = Target::read(&options)?;
    let runs = options.count("runs", 3, 1)?;
    let extent = Extent {
        connections: options.count("connections", 64, 1)? as usize,
        warm_up: Duration::from_millis(options.count("warm-up-ms", 500, 0)?),
        period: Duration::from_secs(options.count("seconds", 3, 1)?),
        message_bytes: options.count("size", 100, 1)? as usize,
    };
    let only = options.text("only").unwrap_or_default();
    let mut table: Vec<Line> =
        ROWS.iter().filter(|row| row.name.contains(only)).map(|row| Line { row, seen: Vec::new() }).collect();
    let busy = busy_share(OVERTURE)?;

    for run in 1..=runs {
        let servers = start(&target, &options)?;
        for line in &mut table {
            for server in &servers {
                eprintln!("run {run} of {runs}: {}, {}", line.row.name, server.name);
                let queue = format!("bench-sqs-{}-{run}", std::process::id());
                line.seen.push((server.name, server.dialect, line.row.measure(server, extent, &queue)?));
            }
        }
    }

    println!("medians of {runs} runs; the machine was {:.0} % busy before", busy * 100.0);
    println!("{} connections, messages of {} B", extent.connections, extent.message_bytes);
    for line in &table {
        line.print();
    }
    Ok(())
}

/// The servers of one run, the broker first.
fn start(target: &Target, options: &Options) -> Result<Vec<Server>, Box<dyn Error>> {
    let mut servers = vec![Server::broker(target.fresh()?)];
    if let Some(binary) = options.text("ceiling") {
        servers.push(Server::ceiling(Path::new(binary))?);
    }
    if let Some(binary) = options.text("moto") {
        servers.push(Server::moto(Path::new(binary))?);
    }
    Ok(servers)
}

/// What was seen of one kind of work, in all runs and of all servers.
struct Line {
    row: &'static Row,
    seen: Vec<(&'static str, Dialect, Seen)>,
}

impl Line {
    fn print(&self) {
        println!();
        let columns =
            ["messages/s", "lowest", "highest", "request p50", "p99", "CPU/message", "of ceiling", "failed"];
        print_line(self.row.name, &columns.map(str::to_owned));
        let mut names: Vec<&str> = Vec::new();
        for (name, ..) in &self.seen {
            if !names.contains(name) {
                names.push(name);
            }
        }
        for name in names {
            self.print_server(name);
        }
    }

    fn print_server(&self, name: &str) {
        let of_server = || self.seen.iter().filter(|(known, ..)| *known == name).map(|(_, _, seen)| seen);
        let rates: Vec<f64> = of_server().map(Seen::rate).collect();
        let ceilings: Vec<f64> = self
            .seen
            .iter()
            .filter(|(_, dialect, _)| *dialect == Dialect::Ceiling)
            .map(|(_, _, seen)| seen.rate())
            .collect();
        // Each run beside the ceiling of the same run: they saw the same machine.
        let shares: Vec<f64> = rates.iter().zip(&ceilings).map(|(rate, ceiling)| rate / ceiling).collect();
        let show = |values: Vec<f64>, unit: fn(f64) -> String| median(&values).map_or("-".to_owned(), unit);
        let per_second = |rate: f64| grouped(rate as u64);
        let milliseconds = |time: f64| format!("{time:.2} ms");
        let lowest = rates.iter().copied().reduce(f64::min).into_iter().collect();
        let highest = rates.iter().copied().reduce(f64::max).into_iter().collect();
        let percentile = |percent| of_server().filter_map(|seen| seen.percentile_ms(percent)).collect();
        print_line(
            format!("  {name}"),
            &[
                show(rates, per_second),
                show(lowest, per_second),
                show(highest, per_second),
                show(percentile(50), milliseconds),
                show(percentile(99), milliseconds),
                show(of_server().filter_map(Seen::cpu_micros).collect(), |micros| format!("{micros:.1} µs")),
                show(shares, |share| format!("{:.0} %", share * 100.0)),
                grouped(of_server().map(Seen::failed).sum()),
            ],
        );
    }
}
