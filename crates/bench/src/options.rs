//! The command line of the programs: `--name value`, every name once.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// An option that a program knows: its name without dashes, and a line of help.
pub type Known = (&'static str, &'static str);

/// The options that were given.
#[derive(Debug)]
pub struct Options {
    given: BTreeMap<&'static str, String>,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// [`OptionError::Unknown`] for anything that is not in `known`, `--help` included;
    /// [`OptionError::NoValue`] for a name at the end.
    pub fn read(known: &[Known], arguments: impl Iterator<Item = String>) -> Result<Self, OptionError> {
        let mut given = BTreeMap::new();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--");
            let name = known.iter().map(|(name, _)| *name).find(|&known| name == Some(known));
            let Some(name) = name else {
                return Err(OptionError::Unknown { argument, help: help(known) });
            };
            let value = arguments.next().ok_or(OptionError::NoValue { name })?;
            given.insert(name, value);
        }
        Ok(Self { given })
    }

    /// The text of an option, if it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// The value of an option, if it was given.
    ///
    /// # Errors
    /// [`OptionError::Malformed`] if it is not of the type.
    pub fn value<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, OptionError> {
        let parse =
            |text: &str| text.parse().map_err(|_| OptionError::Malformed { name, value: text.to_owned() });
        self.text(name).map(parse).transpose()
    }

    /// A count, which must not be less than `least`, or what it is unless given.
    ///
    /// # Errors
    /// [`OptionError::Malformed`] and [`OptionError::TooSmall`].
    pub fn count(&self, name: &'static str, unless_given: u64, least: u64) -> Result<u64, OptionError> {
        match self.value(name)?.unwrap_or(unless_given) {
            count if count < least => Err(OptionError::TooSmall { name, least }),
            count => Ok(count),
        }
    }
}

fn help(known: &[Known]) -> String {
    known.iter().map(|(name, line)| format!("  --{name:<14} {line}\n")).collect()
}

/// A command line that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub enum OptionError {
    /// Not the name of an option.
    Unknown {
        /// What was given.
        argument: String,
        /// The options that there are, a line each.
        help: String,
    },
    /// Nothing follows the name.
    NoValue {
        /// The option.
        name: &'static str,
    },
    /// The value is not a number, address or what else the option takes.
    Malformed {
        /// The option.
        name: &'static str,
        /// What was given.
        value: String,
    },
    /// The value is below its bound.
    TooSmall {
        /// The option.
        name: &'static str,
        /// The bound.
        least: u64,
    },
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { argument, help } => write!(f, "unknown option {argument}; there are:\n{help}"),
            Self::NoValue { name } => write!(f, "--{name} needs a value"),
            Self::Malformed { name, value } => write!(f, "--{name} cannot be {value:?}"),
            Self::TooSmall { name, least } => write!(f, "--{name} must be at least {least}"),
        }
    }
}

impl std::error::Error for OptionError {}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 2] = [("count", "how many"), ("size", "how large")];

    fn read(arguments: &[&str]) -> Result<Options, OptionError> {
        Options::read(&KNOWN, arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn values_are_read_by_name() {
        let options = read(&["--count", "7"]).unwrap();
        assert_eq!(options.count("count", 1, 1), Ok(7));
        assert_eq!(options.count("size", 100, 8), Ok(100));
        assert_eq!(options.text("size"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(matches!(read(&["--speed", "9"]), Err(OptionError::Unknown { .. })));
        assert!(matches!(read(&["count", "9"]), Err(OptionError::Unknown { .. })));
        assert_eq!(read(&["--count"]).unwrap_err(), OptionError::NoValue { name: "count" });
        let options = read(&["--count", "many", "--size", "3"]).unwrap();
        assert!(matches!(options.count("count", 1, 1), Err(OptionError::Malformed { .. })));
        assert_eq!(options.count("size", 1, 8), Err(OptionError::TooSmall { name: "size", least: 8 }));
    }
}
