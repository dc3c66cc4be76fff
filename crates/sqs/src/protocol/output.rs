//! What an action answers: a small tree that is rendered as JSON or as XML.

/// Bytes around the text of a field, about: quotes and a comma, or two tags.
const FIELD_BYTES: usize = 24;

/// A structure: fields in order, each with its name in JSON and in XML.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Output {
    pub(super) fields: Vec<(&'static str, Field)>,
}

/// The value of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Field {
    Text(String),
    Integer(i64),
    Flag(bool),
    Structure(Output),
    /// With the name that each element has in XML: flat, or inside an element of the list's name.
    List {
        element: &'static str,
        items: Vec<Item>,
        flat: bool,
    },
    Map {
        entry: &'static str,
        key: &'static str,
        value: &'static str,
        pairs: Vec<(String, MapValue)>,
        flat: bool,
    },
}

/// An element of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Item {
    Text(String),
    Structure(Output),
}

/// A value of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum MapValue {
    Text(String),
    Structure(Output),
}

impl Output {
    /// No fields yet.
    pub fn new() -> Output {
        Output::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: impl Into<String>) -> Output {
        self.fields.push((name, Field::Text(value.into())));
        self
    }

    /// Adds all fields of another.
    #[must_use]
    pub fn and(mut self, other: Output) -> Output {
        self.fields.extend(other.fields);
        self
    }

    /// Adds a text, if there is one.
    #[must_use]
    pub fn optional(self, name: &'static str, value: Option<impl Into<String>>) -> Output {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds a whole number.
    #[must_use]
    pub fn integer(mut self, name: &'static str, value: i64) -> Output {
        self.fields.push((name, Field::Integer(value)));
        self
    }

    /// Adds `true` or `false`.
    #[must_use]
    pub fn flag(mut self, name: &'static str, value: bool) -> Output {
        self.fields.push((name, Field::Flag(value)));
        self
    }

    /// Adds a structure.
    #[must_use]
    pub fn structure(mut self, name: &'static str, value: Output) -> Output {
        self.fields.push((name, Field::Structure(value)));
        self
    }

    /// Adds a list of structures, which in XML stand without an element around them (SQS). An empty one is left out.
    #[must_use]
    pub fn list(mut self, name: &'static str, element: &'static str, items: Vec<Output>) -> Output {
        if !items.is_empty() {
            let items = items.into_iter().map(Item::Structure).collect();
            self.fields.push((name, Field::List { element, items, flat: true }));
        }
        self
    }

    /// As [`Output::list`], of texts.
    #[must_use]
    pub fn texts(self, name: &'static str, element: &'static str, items: Vec<String>) -> Output {
        if items.is_empty() { self } else { self.required_texts(name, element, items) }
    }

    /// As [`Output::texts`], but an empty one is there, too: `[]` in JSON, and in XML nothing, as it is flat.
    #[must_use]
    pub fn required_texts(mut self, name: &'static str, element: &'static str, items: Vec<String>) -> Output {
        let items = items.into_iter().map(Item::Text).collect();
        self.fields.push((name, Field::List { element, items, flat: true }));
        self
    }

    /// Adds a list as SNS has it: `<Name><member>…</member></Name>`, also if it is empty.
    #[must_use]
    pub fn members(mut self, name: &'static str, items: Vec<Output>) -> Output {
        let items = items.into_iter().map(Item::Structure).collect();
        self.fields.push((name, Field::List { element: "member", items, flat: false }));
        self
    }

    /// Adds a map of texts as SQS has it: `<Entry><Key/><Value/></Entry>`, flat. An empty one is left out.
    #[must_use]
    pub fn map(
        mut self,
        name: &'static str,
        (entry, key, value): (&'static str, &'static str, &'static str),
        pairs: Vec<(String, String)>,
    ) -> Output {
        if !pairs.is_empty() {
            let pairs = pairs.into_iter().map(|(name, value)| (name, MapValue::Text(value))).collect();
            self.fields.push((name, Field::Map { entry, key, value, pairs, flat: true }));
        }
        self
    }

    /// As [`Output::map`], of structures.
    #[must_use]
    pub fn map_of_structures(
        mut self,
        name: &'static str,
        (entry, key, value): (&'static str, &'static str, &'static str),
        pairs: Vec<(String, Output)>,
    ) -> Output {
        if !pairs.is_empty() {
            let pairs = pairs.into_iter().map(|(name, value)| (name, MapValue::Structure(value))).collect();
            self.fields.push((name, Field::Map { entry, key, value, pairs, flat: true }));
        }
        self
    }

    /// Adds a map of texts as SNS has it: `<Name><entry><key/><value/></entry></Name>`.
    #[must_use]
    pub fn entries(mut self, name: &'static str, pairs: Vec<(String, String)>) -> Output {
        let pairs = pairs.into_iter().map(|(name, value)| (name, MapValue::Text(value))).collect();
        self.fields
            .push((name, Field::Map { entry: "entry", key: "key", value: "value", pairs, flat: false }));
        self
    }

    /// About how many bytes it takes as it is rendered: its texts, and something for each field.
    pub(super) fn size_hint(&self) -> usize {
        self.fields.iter().map(|(name, field)| name.len() + FIELD_BYTES + field.size_hint()).sum()
    }
}

impl Field {
    fn size_hint(&self) -> usize {
        match self {
            Field::Text(text) => text.len(),
            Field::Integer(_) | Field::Flag(_) => FIELD_BYTES,
            Field::Structure(output) => output.size_hint(),
            Field::List { items, .. } => items.iter().map(Item::size_hint).sum(),
            Field::Map { pairs, .. } => {
                pairs.iter().map(|(name, value)| name.len() + value.size_hint()).sum()
            }
        }
    }
}

impl Item {
    fn size_hint(&self) -> usize {
        FIELD_BYTES
            + match self {
                Item::Text(text) => text.len(),
                Item::Structure(output) => output.size_hint(),
            }
    }
}

impl MapValue {
    fn size_hint(&self) -> usize {
        FIELD_BYTES
            + match self {
                MapValue::Text(text) => text.len(),
                MapValue::Structure(output) => output.size_hint(),
            }
    }
}
