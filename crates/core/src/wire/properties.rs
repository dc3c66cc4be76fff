//! The property list of a message, owned: for messages that are built or looked at, not passed on.

use super::{RawProperties, RawTable, ShortStr, Table, WireError};

/// The properties of the basic class. [`RawProperties`] says what each of them means.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of RawProperties, one for one")]
pub struct Properties {
    pub content_type: Option<ShortStr>,
    pub content_encoding: Option<ShortStr>,
    pub headers: Option<Table>,
    pub delivery_mode: Option<u8>,
    pub priority: Option<u8>,
    pub correlation_id: Option<ShortStr>,
    pub reply_to: Option<ShortStr>,
    pub expiration: Option<ShortStr>,
    pub message_id: Option<ShortStr>,
    pub timestamp: Option<u64>,
    pub kind: Option<ShortStr>,
    pub user_id: Option<ShortStr>,
    pub app_id: Option<ShortStr>,
    pub cluster_id: Option<ShortStr>,
}

impl Properties {
    /// Decodes a property list, flags and all, to its end.
    pub fn decode(raw: &[u8]) -> Result<Self, WireError> {
        RawProperties::parse(raw)?.try_into()
    }

    /// Appends the encoded list: what [`Self::decode`] reads.
    ///
    /// # Errors
    /// [`WireError::TableTooLarge`] or [`WireError::TooDeep`] if the headers are more than can be read
    /// back; `out` is then as before.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let mut entries = Vec::new();
        if let Some(headers) = &self.headers {
            headers.encode_entries(&mut entries);
        }
        let headers = self.headers.as_ref().map(|_| RawTable::parse(&entries)).transpose()?;
        let raw = RawProperties {
            content_type: bytes(&self.content_type),
            content_encoding: bytes(&self.content_encoding),
            headers,
            delivery_mode: self.delivery_mode,
            priority: self.priority,
            correlation_id: bytes(&self.correlation_id),
            reply_to: bytes(&self.reply_to),
            expiration: bytes(&self.expiration),
            message_id: bytes(&self.message_id),
            timestamp: self.timestamp,
            kind: bytes(&self.kind),
            user_id: bytes(&self.user_id),
            app_id: bytes(&self.app_id),
            cluster_id: bytes(&self.cluster_id),
        };
        raw.encode(out)
    }
}

/// Copies the properties. Fails only if a field was set, by hand, to what no list could have held.
impl TryFrom<RawProperties<'_>> for Properties {
    type Error = WireError;

    fn try_from(raw: RawProperties<'_>) -> Result<Self, WireError> {
        Ok(Self {
            content_type: owned(raw.content_type)?,
            content_encoding: owned(raw.content_encoding)?,
            headers: raw.headers.map(Table::from),
            delivery_mode: raw.delivery_mode,
            priority: raw.priority,
            correlation_id: owned(raw.correlation_id)?,
            reply_to: owned(raw.reply_to)?,
            expiration: owned(raw.expiration)?,
            message_id: owned(raw.message_id)?,
            timestamp: raw.timestamp,
            kind: owned(raw.kind)?,
            user_id: owned(raw.user_id)?,
            app_id: owned(raw.app_id)?,
            cluster_id: owned(raw.cluster_id)?,
        })
    }
}

fn bytes(value: &Option<ShortStr>) -> Option<&[u8]> {
    value.as_ref().map(ShortStr::as_bytes)
}

fn owned(value: Option<&[u8]>) -> Result<Option<ShortStr>, WireError> {
    value.map(ShortStr::new).transpose()
}
