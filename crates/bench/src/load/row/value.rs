//! How values of parameters are written.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::client::{Acking, MIN_BODY_BYTES};

/// The largest body: what SQS and AMQP brokers take at most differs; beyond this, none does by default.
const MAX_BODY_BYTES: usize = 512 << 20;

/// Why a text is no value.
#[derive(Debug, PartialEq)]
pub(crate) enum Wrong {
    /// Not in the form that is wanted.
    Form(&'static str),
    /// Outside the bounds, both included.
    Bounds(u64, u64),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(wanted) => write!(f, "it is {wanted}"),
            Self::Bounds(least, most) => write!(f, "it is between {least} and {most}"),
        }
    }
}

/// A whole number within bounds; underscores may stand between its digits.
pub(crate) fn number(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, Wrong> {
    let number = text.replace('_', "").parse().map_err(|_| Wrong::Form("a whole number"))?;
    if bounds.contains(&number) { Ok(number) } else { Err(Wrong::Bounds(*bounds.start(), *bounds.end())) }
}

pub(crate) fn truth(text: &str) -> Result<bool, Wrong> {
    text.parse().map_err(|_| Wrong::Form("true or false"))
}

/// Messages a second; 0 is no rate.
pub(crate) fn rate(text: &str) -> Result<Option<f64>, Wrong> {
    let wanted = Wrong::Form("messages a second, 0 for as many as go");
    match text.replace('_', "").parse::<f64>() {
        Ok(0.0) => Ok(None),
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(Some(rate)),
        _ => Err(wanted),
    }
}

/// `each`, `none`, `never`, or a number.
pub(crate) fn acking(text: &str) -> Result<Acking, Wrong> {
    match text {
        "each" => Ok(Acking::Every(1)),
        "none" => Ok(Acking::NoAck),
        "never" => Ok(Acking::Never),
        count => match count.parse() {
            Ok(count) if count > 0 => Ok(Acking::Every(count)),
            _ => Err(Wrong::Form("each, none, never, or how many deliveries an ack is for")),
        },
    }
}

/// A time such as `5s`, `250ms` or `2m`; a bare number is seconds.
pub(crate) fn time(text: &str) -> Result<Duration, Wrong> {
    let wanted = || Wrong::Form("a time such as 5s, 250ms or 2m");
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: f64 = number.parse().map_err(|_| wanted())?;
    let seconds = match unit {
        "ms" => number / 1e3,
        "" | "s" => number,
        "m" => number * 60.0,
        _ => return Err(wanted()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| wanted())
}

/// One size, or two with a dash between; with `KiB` and `MiB`.
pub(crate) fn sizes(text: &str) -> Result<RangeInclusive<usize>, Wrong> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let (least, most) = (size(least)?, size(most)?);
    if least > most {
        return Err(Wrong::Form("a size, or the least and the most with a dash between"));
    }
    Ok(least..=most)
}

fn size(text: &str) -> Result<usize, Wrong> {
    let (digits, unit) = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(digits), _) => (digits, 1 << 10),
        (_, Some(digits)) => (digits, 1 << 20),
        _ => (text, 1),
    };
    let wanted = Wrong::Form("bytes, or KiB or MiB");
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit)).ok_or(wanted)?;
    if (MIN_BODY_BYTES..=MAX_BODY_BYTES).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(Wrong::Bounds(MIN_BODY_BYTES as u64, MAX_BODY_BYTES as u64))
    }
}
