//! The property list of a message as slices of the bytes it came in, and writing it back changed.
//!
//! The encoded form is a content header's without its first twelve bytes: 16 flag bits, the highest
//! for the first property, then the values of those properties whose bit is set, in order.

use super::table::sized;
use super::{RawTable, Reader, ShortStr, Value, WireError};
use crate::limits::TABLE_BYTES;

/// The properties of the basic class, each one absent or as it was sent.
///
/// To change a message's properties, parse them, change the fields, and encode them again: every
/// value that was not touched comes out byte for byte as it went in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RawProperties<'a> {
    /// MIME type of the body.
    pub content_type: Option<&'a [u8]>,
    /// MIME encoding of the body.
    pub content_encoding: Option<&'a [u8]>,
    /// The application's headers, and those that the broker adds.
    pub headers: Option<RawTable<'a>>,
    /// 1 is transient, 2 is persistent; see [`Self::is_persistent`].
    pub delivery_mode: Option<u8>,
    /// Priority within the queue, 0 to 255.
    pub priority: Option<u8>,
    /// Which request a reply belongs to.
    pub correlation_id: Option<&'a [u8]>,
    /// The queue to which a reply shall go.
    pub reply_to: Option<&'a [u8]>,
    /// Time to live in milliseconds, as decimal text.
    pub expiration: Option<&'a [u8]>,
    /// The publisher's name for the message.
    pub message_id: Option<&'a [u8]>,
    /// When the publisher made the message, in seconds since 1970.
    pub timestamp: Option<u64>,
    /// The publisher's name for the kind of message. The specification calls it `type`.
    pub kind: Option<&'a [u8]>,
    /// The publisher's user name, which the broker checks.
    pub user_id: Option<&'a [u8]>,
    /// The publishing application.
    pub app_id: Option<&'a [u8]>,
    /// Not used since AMQP 0-9, but passed on.
    pub cluster_id: Option<&'a [u8]>,
}

impl<'a> RawProperties<'a> {
    /// Reads a property list, flags and all, to its end. Headers are checked through and through, so
    /// that a malformed table is refused to its publisher instead of reaching a consumer.
    pub fn parse(raw: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(raw);
        let mut list = ListReader { flags: reader.short()?, values: reader };
        // Fields of a struct expression are evaluated in the order written, which is the wire's order.
        let properties = Self {
            content_type: list.short_str()?,
            content_encoding: list.short_str()?,
            headers: list.table()?,
            delivery_mode: list.octet()?,
            priority: list.octet()?,
            correlation_id: list.short_str()?,
            reply_to: list.short_str()?,
            expiration: list.short_str()?,
            message_id: list.short_str()?,
            timestamp: list.longlong()?,
            kind: list.short_str()?,
            user_id: list.short_str()?,
            app_id: list.short_str()?,
            cluster_id: list.short_str()?,
        };
        list.finish()?;
        Ok(properties)
    }

    /// Whether the publisher asked that the message survive a restart.
    pub fn is_persistent(&self) -> bool {
        self.delivery_mode == Some(2)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<super::RawValue<'a>> {
        self.headers?.get(name)
    }

    /// Appends the encoded list: what [`Self::parse`] reads.
    ///
    /// # Errors
    /// [`WireError::ShortStrTooLong`] if a field was set to more than 255 bytes; `out` is then as before.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        self.encode_with_headers(&[], out)
    }

    /// Appends the encoded list with its headers changed: all entries that no edit names stay as they
    /// are, in their places; a header that is set anew goes to the end. Setting one makes the table if
    /// there was none.
    ///
    /// # Errors
    /// [`WireError::ShortStrTooLong`] if a field or a header's name has more than 255 bytes, and
    /// [`WireError::TableTooLarge`] if the table outgrows what can be read back; `out` is then as before.
    pub fn encode_with_headers(&self, edits: &[HeaderEdit<'_>], out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        let written = self.write(edits, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write(&self, edits: &[HeaderEdit<'_>], out: &mut Vec<u8>) -> Result<(), WireError> {
        let mut list = ListWriter::new(out);
        list.short_str(self.content_type)?;
        list.short_str(self.content_encoding)?;
        list.table(self.headers, edits)?;
        list.octet(self.delivery_mode);
        list.octet(self.priority);
        list.short_str(self.correlation_id)?;
        list.short_str(self.reply_to)?;
        list.short_str(self.expiration)?;
        list.short_str(self.message_id)?;
        list.longlong(self.timestamp);
        list.short_str(self.kind)?;
        list.short_str(self.user_id)?;
        list.short_str(self.app_id)?;
        list.short_str(self.cluster_id)?;
        list.finish();
        Ok(())
    }
}

/// One change to the headers of a message.
#[derive(Clone, Copy, Debug)]
pub enum HeaderEdit<'a> {
    /// Give this header this value, whether or not it is there.
    Set(&'a str, &'a Value),
    /// Take this header out, if it is there.
    Remove(&'a str),
}

impl HeaderEdit<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Remove(name) => name,
        }
    }
}

/// Reads values whose flag is set. Each call is about the next property of the list.
struct ListReader<'a> {
    /// The flag of the next property is the highest bit.
    flags: u16,
    values: Reader<'a>,
}

impl<'a> ListReader<'a> {
    #[inline]
    fn next_is_present(&mut self) -> bool {
        let present = self.flags & 0x8000 != 0;
        self.flags <<= 1;
        present
    }

    #[inline]
    fn short_str(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        self.next_is_present().then(|| self.values.short_str()).transpose()
    }

    #[inline]
    fn octet(&mut self) -> Result<Option<u8>, WireError> {
        self.next_is_present().then(|| self.values.octet()).transpose()
    }

    #[inline]
    fn longlong(&mut self) -> Result<Option<u64>, WireError> {
        self.next_is_present().then(|| self.values.longlong()).transpose()
    }

    #[inline]
    fn table(&mut self) -> Result<Option<RawTable<'a>>, WireError> {
        self.next_is_present().then(|| RawTable::read(&mut self.values)).transpose()
    }

    /// The two flags that are left mean nothing in the basic class. The lowest one announces further
    /// flags, of which this class has none.
    fn finish(self) -> Result<(), WireError> {
        match self.flags {
            0 => self.values.finish(),
            flags => Err(WireError::UnknownPropertyFlags(flags >> 14)),
        }
    }
}

/// Appends values and collects their flags. Each call is about the next property of the list.
struct ListWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    flags: u16,
    next_flag: u16,
}

impl<'o> ListWriter<'o> {
    fn new(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 2]);
        Self { out, start, flags: 0, next_flag: 0x8000 }
    }

    fn mark(&mut self, present: bool) {
        if present {
            self.flags |= self.next_flag;
        }
        self.next_flag >>= 1;
    }

    fn short_str(&mut self, value: Option<&[u8]>) -> Result<(), WireError> {
        self.mark(value.is_some());
        value.map_or(Ok(()), |bytes| write_short_str(bytes, self.out))
    }

    fn octet(&mut self, value: Option<u8>) {
        self.mark(value.is_some());
        self.out.extend(value);
    }

    fn longlong(&mut self, value: Option<u64>) {
        self.mark(value.is_some());
        if let Some(number) = value {
            self.out.extend_from_slice(&number.to_be_bytes());
        }
    }

    fn table(&mut self, table: Option<RawTable<'_>>, edits: &[HeaderEdit<'_>]) -> Result<(), WireError> {
        let sets_one = edits.iter().any(|edit| matches!(edit, HeaderEdit::Set(..)));
        self.mark(table.is_some() || sets_one);
        if table.is_none() && !sets_one {
            return Ok(());
        }
        let table = table.unwrap_or_default();
        let start = self.out.len() + 4;
        let mut written = Ok(());
        sized(self.out, |out| written = write_entries(table, edits, out));
        written?;
        let bytes = self.out.len() - start;
        if bytes > TABLE_BYTES { Err(WireError::TableTooLarge { bytes }) } else { Ok(()) }
    }

    fn finish(self) {
        self.out[self.start..self.start + 2].copy_from_slice(&self.flags.to_be_bytes());
    }
}

/// Appends the entries that no edit names, then those that are set. There are few edits, so they are
/// searched for each entry.
fn write_entries(table: RawTable<'_>, edits: &[HeaderEdit<'_>], out: &mut Vec<u8>) -> Result<(), WireError> {
    if edits.is_empty() {
        out.extend_from_slice(table.entries());
        return Ok(());
    }
    for (name, entry) in table.iter_encoded() {
        if !edits.iter().any(|edit| edit.name().as_bytes() == name) {
            out.extend_from_slice(entry);
        }
    }
    for edit in edits {
        if let HeaderEdit::Set(name, value) = edit {
            write_short_str(name.as_bytes(), out)?;
            value.encode(out);
        }
    }
    Ok(())
}

fn write_short_str(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    if bytes.len() > ShortStr::MAX_BYTES {
        return Err(WireError::ShortStrTooLong { bytes: bytes.len() });
    }
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
    Ok(())
}
