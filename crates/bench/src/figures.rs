//! How measured values are summed up and printed.

use std::fmt::Display;
use std::time::Duration;

/// The middle of some values, the upper one of two; `None` without values.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.get(sorted.len() / 2).copied()
}

/// Bytes as mebibytes.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Messages a second, with commas between the thousands.
pub fn rate(messages: u64, time: Duration) -> String {
    format!("{}/s", grouped((messages as f64 / time.as_secs_f64().max(1e-9)) as u64))
}

/// A whole number with commas between the thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Prints one line of a table: the first cell to the left, the others to the right.
pub fn print_line(first: impl Display, cells: &[String]) {
    print!("{first:<50}");
    for cell in cells {
        print!(" {cell:>14}");
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3, 1, 2]), Some(2));
        assert_eq!(median(&[4.0, 1.0]), Some(4.0));
        assert_eq!(median::<u8>(&[]), None);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(rate(500, Duration::from_millis(250)), "2,000/s");
        assert_eq!(mib(3 << 19), "1.5 MiB");
    }
}
