//! Message attributes: which a sender may give, and which a receiver has asked for.

use crate::protocol::{ApiError, AttributeValue, MessageAttribute, is_valid_text};

/// Attributes of one message, at most.
pub(crate) const ATTRIBUTES: usize = 10;
/// Bytes of a name, and of a type.
const NAME_BYTES: usize = 256;

/// Whether a message may have these attributes.
///
/// # Errors
/// [`crate::protocol::Code::INVALID_PARAMETER`].
pub(super) fn check(attributes: &[(String, MessageAttribute)]) -> Result<(), ApiError> {
    if attributes.len() > ATTRIBUTES {
        let count = attributes.len();
        return Err(ApiError::invalid(format!(
            "Number of message attributes [{count}] exceeds the allowed maximum [{ATTRIBUTES}]."
        )));
    }
    attributes.iter().try_for_each(|(name, attribute)| check_one(name, attribute))
}

/// Whether an attribute may have this name: ASCII letters, digits, underscores, hyphens and periods. The same rule holds
/// for messages of topics.
///
/// # Errors
/// The reason, in SQS's words where they are known.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let lower = name.to_ascii_lowercase();
    if name.is_empty() {
        return Err("The request must contain non-empty message (user) attribute names.".into());
    }
    if name.len() > NAME_BYTES {
        return Err("Message (user) attribute names can be up to 256 bytes long.".into());
    }
    if !name.bytes().all(allowed) {
        return Err("Message (user) attributes name can only contain upper and lower score characters, digits, periods, \
             hyphens and underscores."
            .into());
    }
    if lower.starts_with("aws.")
        || lower.starts_with("amazon.")
        || name.starts_with('.')
        || name.ends_with('.')
    {
        return Err(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are \
             reserved for internal use. Additionally, they cannot start or end with '.'."
                .into(),
        );
    }
    if name.contains("..") {
        return Err(format!("Message (user) attribute name '{name}' has periods in succession."));
    }
    Ok(())
}

fn check_one(name: &str, attribute: &MessageAttribute) -> Result<(), ApiError> {
    let invalid = |text: String| Err(ApiError::invalid(text));
    check_name(name).map_err(ApiError::invalid)?;
    let data_type = &attribute.data_type;
    let base = data_type.split('.').next().unwrap_or_default();
    if data_type.is_empty() {
        return invalid(format!(
            "Message (user) attribute '{name}' must contain a non-empty message attribute type."
        ));
    }
    if data_type.len() > NAME_BYTES || !matches!(base, "String" | "Number" | "Binary") {
        return invalid(format!(
            "The type of message (user) attribute '{name}' is invalid. You must use only the following supported type \
             prefixes: Binary, Number, String."
        ));
    }
    let (empty, right) = match &attribute.value {
        AttributeValue::Text(text) => (text.is_empty(), base != "Binary"),
        AttributeValue::Binary(bytes) => (bytes.is_empty(), base == "Binary"),
    };
    if empty || !right {
        return invalid(format!(
            "Message (user) attribute '{name}' must contain a non-empty value of type '{base}'."
        ));
    }
    match &attribute.value {
        AttributeValue::Text(text) if !is_valid_text(text) => {
            invalid(format!("Invalid characters found: message (user) attribute '{name}'."))
        }
        AttributeValue::Text(text) if base == "Number" && text.trim().parse::<f64>().is_err() => {
            invalid(format!("Can't cast the value of message (user) attribute '{name}' to a number."))
        }
        _ => Ok(()),
    }
}

/// Bytes that attributes add to a message's size: names, types and values.
pub(crate) fn size(attributes: &[(String, MessageAttribute)]) -> usize {
    let value = |attribute: &MessageAttribute| attribute.value.as_bytes().len();
    attributes.iter().map(|(name, attribute)| name.len() + attribute.data_type.len() + value(attribute)).sum()
}

/// Whether a receiver has asked for an attribute: by its name, by `All` or `.*`, or by `PREFIX.*`.
pub(super) fn is_asked_for(asked: &[String], name: &str) -> bool {
    asked.iter().any(|asked| match asked.strip_suffix('*') {
        _ if asked == "All" || asked == ".*" || asked == "*" => true,
        Some(prefix) => name.starts_with(prefix),
        None => asked == name,
    })
}
