//! How RabbitMQ's texts show a field: the name of its type, and its value as an Erlang term.
//!
//! Clients log these texts and tests compare them, so a refusal that shows an argument shows it in RabbitMQ's way.

use super::{Table, Value};
use std::fmt::{self, Write as _};

impl Value {
    /// What RabbitMQ calls the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Bool(_) => "bool",
            Value::I8(_) => "byte",
            Value::U8(_) => "unsignedbyte",
            Value::I16(_) => "short",
            Value::U16(_) => "unsignedshort",
            Value::I32(_) => "signedint",
            Value::U32(_) => "unsignedint",
            Value::I64(_) => "long",
            Value::F32(_) => "float",
            Value::F64(_) => "double",
            Value::Decimal { .. } => "decimal",
            Value::LongStr(_) => "longstr",
            Value::Array(_) => "array",
            Value::Timestamp(_) => "timestamp",
            Value::Table(_) => "table",
            Value::Void => "void",
            Value::Binary(_) => "binary",
        }
    }

    /// The value as an Erlang term: `10`, `<<"text">>`, `[{longstr,<<"item">>}]`.
    pub fn term(&self) -> String {
        Term(self).to_string()
    }
}

/// Displays a value as an Erlang term. The nesting was bounded when the value was checked.
struct Term<'a>(&'a Value);

impl fmt::Display for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.0.as_i64() {
            return write!(f, "{number}");
        }
        match self.0 {
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::F32(number) => write!(f, "{number:?}"),
            Value::F64(number) => write!(f, "{number:?}"),
            Value::Decimal { scale, value } => write!(f, "{{{scale},{value}}}"),
            Value::Timestamp(seconds) => write!(f, "{seconds}"),
            Value::LongStr(bytes) | Value::Binary(bytes) => write_text(f, bytes),
            Value::Array(items) => {
                write_list(f, items, |f, item| write!(f, "{{{},{}}}", item.type_name(), Term(item)))
            }
            Value::Table(table) => write_table(f, table),
            _ => f.write_str("undefined"),
        }
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
    write_list(f, table.iter(), |f, (name, value)| {
        f.write_char('{')?;
        write_text(f, name.as_bytes())?;
        write!(f, ",{},{}}}", value.type_name(), Term(value))
    })
}

fn write_list<T>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    mut write_item: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    f.write_char('[')?;
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        write_item(f, item)?;
    }
    f.write_char(']')
}

fn write_text(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write!(f, "<<\"{}\">>", String::from_utf8_lossy(bytes))
}
