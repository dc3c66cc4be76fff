//! Scenario files: several rows in one TOML file, each with a name.
//!
//! ```toml
//! [all]                # parameters of every row, unless the row says otherwise
//! confirm-window = 500
//!
//! [[row]]
//! name = "1 KiB, four pairs"
//! size = "1KiB"
//! publishers = 4
//! consumers = 4
//! ```

use std::fs;
use std::path::PathBuf;
use std::{fmt, io};

use toml::{Table, Value};

use super::row::{Draft, RowError};

/// The scenarios that are in the binary.
pub(crate) const BUILT_IN: [(&str, &str); 2] = [
    ("table", include_str!("../../../../bench/scenarios/table.toml")),
    ("sqs", include_str!("../../../../bench/scenarios/sqs.toml")),
];

/// Rows with their names, as they were written.
pub(crate) type Scenario = Vec<(String, Draft)>;

/// Reads a file, or a built-in scenario if there is one of that name.
///
/// # Errors
/// See [`ScenarioError`].
pub(crate) fn read(name: &str) -> Result<Scenario, ScenarioError> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return parse(text);
    }
    let text =
        fs::read_to_string(name).map_err(|error| ScenarioError::Read { path: PathBuf::from(name), error })?;
    parse(&text)
}

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let mut file: Table = text.parse().map_err(ScenarioError::Syntax)?;
    let all = match file.remove("all") {
        Some(Value::Table(all)) => draft("all", &all)?,
        None => Draft::default(),
        Some(_) => return Err(ScenarioError::Shape("`all` is a table")),
    };
    let Some(Value::Array(rows)) = file.remove("row") else {
        return Err(ScenarioError::Shape("a scenario has rows, each under [[row]]"));
    };
    if !file.is_empty() {
        return Err(ScenarioError::Shape("a scenario has nothing but [all] and [[row]]"));
    }
    let row = |value: Value| {
        let Value::Table(mut row) = value else {
            return Err(ScenarioError::Shape("a row is a table, under [[row]]"));
        };
        let Some(Value::String(name)) = row.remove("name") else {
            return Err(ScenarioError::Shape("every row has a name, a text"));
        };
        let mut whole = all.clone();
        whole.add(&draft(&name, &row)?);
        Ok((name, whole))
    };
    rows.into_iter().map(row).collect()
}

fn draft(row: &str, values: &Table) -> Result<Draft, ScenarioError> {
    let mut draft = Draft::default();
    for (name, value) in values {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(truth) => truth.to_string(),
            _ => return Err(ScenarioError::Shape("a parameter is a text, a number or a truth value")),
        };
        draft.set(name, &text).map_err(|error| ScenarioError::Row { row: row.to_owned(), error })?;
    }
    Ok(draft)
}

/// A scenario that cannot be read.
#[derive(Debug)]
pub(crate) enum ScenarioError {
    /// There is no such file, and no built-in scenario of that name.
    Read {
        /// What was given.
        path: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// It is not TOML.
    Syntax(toml::de::Error),
    /// It is TOML, but no scenario.
    Shape(&'static str),
    /// A row has a parameter that there is not.
    Row {
        /// The row's name.
        row: String,
        /// What is wrong.
        error: RowError,
    },
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, error } => {
                let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                write!(f, "{}: {error}; the built-in scenarios are {names}", path.display())
            }
            Self::Syntax(error) => write!(f, "the scenario is not TOML: {error}"),
            Self::Shape(what) => f.write_str(what),
            Self::Row { row, error } => write!(f, "row {row:?}: {error}"),
        }
    }
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::row::Extent;

    #[test]
    fn the_built_in_scenarios_can_be_run() {
        for (name, text) in BUILT_IN {
            let rows = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!rows.is_empty());
            for (name, draft) in rows {
                draft.row(&name).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }

    #[test]
    fn a_row_has_what_all_have_unless_it_says_otherwise() {
        let text = "[all]\ncount = 5\nsize = 50\n[[row]]\nname = 'a'\n[[row]]\nname = 'b'\nduration = '2s'\nsize = '9-10'";
        let rows = parse(text).unwrap();
        let row = |at: usize| rows[at].1.row(&rows[at].0).unwrap();
        assert_eq!((row(0).extent, row(0).sizes), (Extent::Count(5), 50..=50));
        assert_eq!((row(1).name.as_str(), row(1).sizes), ("b", 9..=10));
        assert!(matches!(row(1).extent, Extent::For(_)), "the row's duration, not the count of all");
    }

    #[test]
    fn what_is_no_scenario_is_said() {
        assert!(matches!(parse("[[row"), Err(ScenarioError::Syntax(_))));
        for text in ["", "row = 1", "[[row]]\nsize = 9", "other = 1\n[[row]]\nname = 'a'"] {
            assert!(matches!(parse(text), Err(ScenarioError::Shape(_))), "{text}");
        }
        assert!(matches!(parse("[[row]]\nname = 'a'\nsice = 9"), Err(ScenarioError::Row { .. })));
        assert!(matches!(read("no-such-file"), Err(ScenarioError::Read { .. })));
    }
}
