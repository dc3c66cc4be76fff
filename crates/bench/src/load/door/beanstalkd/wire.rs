//! The bytes of beanstalkd's protocol, as its `doc/protocol.txt` (1.12) has them: what is asked, and what is read of the
//! answers. No sockets.

use std::str;

use crate::load::door::DoorError;
use crate::load::door::text::{Decimal, push};

/// Seconds that a consumer may hold a job before it is ready again. No row takes so long.
const TIME_TO_RUN: u32 = 3600;
/// The longest first line of an answer, in bytes: a word and three numbers have room.
const LINE_BYTES: usize = 256;
/// What ends a line, and a body.
const END: &[u8] = b"\r\n";

/// An answer. They come in the order of the commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer<'a> {
    /// A put: the job is kept.
    Inserted,
    /// A reserve: a job, which is held now.
    Reserved {
        /// What it is deleted by.
        id: u64,
        /// Its body.
        body: &'a [u8],
    },
    /// A reserve: there was no job in its time.
    TimedOut,
    /// A delete: it is gone.
    Deleted,
    /// There is no such thing.
    NotFound,
    /// To `use`, `watch` and `ignore`: done.
    Tube,
    /// To `stats` and `stats-tube`: lines of names and values.
    Figures(&'a str),
    /// Any other.
    Other(&'a str),
}

/// The answer at the front of what came, and its length; `None` if it is not whole.
///
/// # Errors
/// [`DoorError::Misread`] for what is no answer of beanstalkd's.
pub(super) fn parse(input: &[u8]) -> Result<Option<(Answer<'_>, usize)>, DoorError> {
    let Some(line_bytes) = input.windows(END.len()).take(LINE_BYTES).position(|window| window == END) else {
        return if input.len() < LINE_BYTES { Ok(None) } else { Err(DoorError::Misread("line's end")) };
    };
    let line = str::from_utf8(&input[..line_bytes]).map_err(|_| DoorError::Misread("text"))?;
    let rest = &input[line_bytes + END.len()..];
    let mut words = line.split(' ');
    let (word, first, second) = (words.next().unwrap_or_default(), words.next(), words.next());
    let number =
        |text: Option<&str>| text.and_then(|text| text.parse().ok()).ok_or(DoorError::Misread("number"));
    let (answer, body_bytes) = match word {
        "INSERTED" => (Answer::Inserted, None),
        "TIMED_OUT" => (Answer::TimedOut, None),
        "DELETED" => (Answer::Deleted, None),
        "NOT_FOUND" => (Answer::NotFound, None),
        "USING" | "WATCHING" => (Answer::Tube, None),
        "RESERVED" => {
            let bytes = number(second)? as usize;
            let Some(body) = whole(rest, bytes)? else { return Ok(None) };
            (Answer::Reserved { id: number(first)?, body }, Some(bytes))
        }
        "OK" => {
            let bytes = number(first)? as usize;
            let Some(figures) = whole(rest, bytes)? else { return Ok(None) };
            let figures = str::from_utf8(figures).map_err(|_| DoorError::Misread("text"))?;
            (Answer::Figures(figures), Some(bytes))
        }
        _ => (Answer::Other(line), None),
    };
    let all = line_bytes + END.len() + body_bytes.map_or(0, |bytes| bytes + END.len());
    Ok(Some((answer, all)))
}

/// A body of so many bytes, if it is there with its end.
fn whole(input: &[u8], bytes: usize) -> Result<Option<&[u8]>, DoorError> {
    match input.split_at_checked(bytes) {
        Some((body, end)) if end.starts_with(END) => Ok(Some(body)),
        Some((_, end)) if end.len() >= END.len() => Err(DoorError::Misread("end of a body")),
        _ => Ok(None),
    }
}

/// A figure of `stats` or `stats-tube`.
pub(super) fn figure<'a>(figures: &'a str, name: &str) -> Option<&'a str> {
    let value = figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
    Some(value.trim_matches('"'))
}

/// Asks for a job to be kept, in the tube that is in use. All jobs have one priority, and no delay.
pub(super) fn put(out: &mut Vec<u8>, body: &[u8]) {
    push(out, &[b"put 0 0 ", Decimal::of(u64::from(TIME_TO_RUN)).as_ref(), b" "]);
    push(out, &[Decimal::of(body.len() as u64).as_ref(), END, body, END]);
}

/// Asks for a job of a tube that is watched, and waits so many seconds for one.
pub(super) fn reserve(out: &mut Vec<u8>, seconds: u32) {
    push(out, &[b"reserve-with-timeout ", Decimal::of(u64::from(seconds)).as_ref(), END]);
}

/// Deletes a job that is held.
pub(super) fn delete(out: &mut Vec<u8>, id: u64) {
    push(out, &[b"delete ", Decimal::of(id).as_ref(), END]);
}

/// Puts go to this tube from now on.
pub(super) fn use_tube(out: &mut Vec<u8>, tube: &str) {
    push(out, &[b"use ", tube.as_bytes(), END]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_as_the_protocol_has_them() {
        let mut out = Vec::new();
        use_tube(&mut out, "orders");
        put(&mut out, b"a\r\nb");
        reserve(&mut out, 0);
        delete(&mut out, u64::MAX);
        let text = "use orders\r\nput 0 0 3600 4\r\na\r\nb\r\nreserve-with-timeout 0\r\ndelete 18446744073709551615\r\n";
        assert_eq!(out, text.as_bytes());
    }

    #[test]
    fn answers_are_read_and_a_body_may_hold_anything() {
        for (bytes, answer) in [
            (&b"INSERTED 7\r\n"[..], Answer::Inserted),
            (b"RESERVED 7 4\r\na\r\nb\r\n", Answer::Reserved { id: 7, body: b"a\r\nb" }),
            (b"RESERVED 8 0\r\n\r\n", Answer::Reserved { id: 8, body: b"" }),
            (b"TIMED_OUT\r\n", Answer::TimedOut),
            (b"DELETED\r\n", Answer::Deleted),
            (b"NOT_FOUND\r\n", Answer::NotFound),
            (b"USING a\r\n", Answer::Tube),
            (b"WATCHING 2\r\n", Answer::Tube),
            (b"OK 9\r\n---\na: 1\n\r\n", Answer::Figures("---\na: 1\n")),
            (b"JOB_TOO_BIG\r\n", Answer::Other("JOB_TOO_BIG")),
            (b"BURIED 3\r\n", Answer::Other("BURIED 3")),
        ] {
            let text = String::from_utf8_lossy(bytes);
            let behind = [bytes, b"DELETED\r\n"].concat();
            assert_eq!(parse(&behind).unwrap(), Some((answer, bytes.len())), "{text}");
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut]).unwrap(), None, "{cut} bytes of {text}");
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_said() {
        for bytes in [&b"RESERVED x 4\r\nabcd\r\n"[..], b"RESERVED 7\r\n", b"OK 2\r\nabcd", &[b'a'; 300]] {
            assert!(matches!(parse(bytes), Err(DoorError::Misread(_))), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn figures_are_found_by_their_whole_names() {
        let figures = "---\ncurrent-jobs-ready: 12\nversion: \"1.12\"\nid: 0\n";
        assert_eq!(figure(figures, "current-jobs-ready"), Some("12"));
        assert_eq!(figure(figures, "version"), Some("1.12"));
        assert_eq!(figure(figures, "current-jobs"), None);
    }
}
