//! Where options come from: flags, the environment, the file, the defaults; in this order of precedence.

use super::declared::{Declared, Default, Draft, OPTIONS};
use super::value::Takes;
use super::{OptionError, ServeOptions};
use clap::{Arg, ArgMatches};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::Value;

/// The option that names the file. It cannot be set in the file.
const CONFIG: &str = "config";
/// The option that names the data folder.
const DATA: &str = "data";

/// Who chose the value of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The file.
    File,
    /// Nobody.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Flag => "from the command line",
            Source::Environment => "from the environment",
            Source::File => "from the file",
            Source::Default => "by default",
        })
    }
}

/// An option as it was chosen, for people who wonder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chosen {
    /// The option's name, as a flag has it.
    pub option: &'static str,
    /// What was chosen; `None` for one that is not set.
    pub text: Option<String>,
    /// By whom.
    pub source: Source,
}

impl Chosen {
    /// The line of the file that chooses the same.
    pub fn file_line(&self) -> String {
        let key = key(self.option);
        match &self.text {
            Some(text) => format!("{key} = {text:?} # {}", self.source),
            None => format!("# {key} is not set"),
        }
    }

    /// Puts it where it is wanted.
    fn read(&self, declared: &Declared, draft: &mut Draft) -> Result<(), OptionError> {
        let Some(text) = &self.text else { return Ok(()) };
        declared.takes.read(text, draft).map_err(|wrong| OptionError::Value {
            option: self.option,
            text: text.clone(),
            source: self.source,
            wrong,
        })
    }
}

/// The flags of all options.
pub fn flags() -> Vec<Arg> {
    OPTIONS.iter().map(flag).collect()
}

/// Reads all options: from the flags that were given, from the environment, where `variable` finds its variables,
/// and from the file that one of the two names.
///
/// An empty variable counts as none. Other variables that begin with `LEVERET_` are passed over: Kubernetes sets
/// some for a service of that name.
///
/// # Errors
/// [`OptionError`] for the first thing that is wrong.
pub fn read(
    given: &ArgMatches,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(ServeOptions, Vec<Chosen>), OptionError> {
    let from_outside = |option: &'static str| outside(given, &variable, option);
    let file = match from_outside(CONFIG)? {
        Some((path, _)) => File::read(Path::new(&path))?,
        None => File::default(),
    };
    let mut draft = Draft::new();
    let mut all = Vec::with_capacity(OPTIONS.len());
    for declared in OPTIONS {
        let chosen = choose(declared, given, &variable, &file)?;
        chosen.read(declared, &mut draft)?;
        all.push(chosen);
    }
    Ok((draft.finish()?, all))
}

/// The flags with which a command finds the data folder.
pub fn data_folder_flags() -> Vec<Arg> {
    OPTIONS.iter().filter(|declared| [DATA, CONFIG].contains(&declared.name)).map(flag).collect()
}

/// The data folder, where `leveret serve` would find it with the same flags, environment and file. Of the other options
/// only the names are looked at.
///
/// # Errors
/// [`OptionError`] for the first thing that is wrong.
pub fn data_folder(
    given: &ArgMatches,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, OptionError> {
    let mut draft = Draft::new();
    let file = File::named(given, &variable)?;
    for declared in OPTIONS.iter().filter(|declared| declared.name == DATA) {
        choose(declared, given, &variable, &file)?.read(declared, &mut draft)?;
    }
    Ok(draft.into_data())
}

/// What is chosen for an option.
fn choose(
    declared: &'static Declared,
    given: &ArgMatches,
    variable: &impl Fn(&str) -> Option<OsString>,
    file: &File,
) -> Result<Chosen, OptionError> {
    Ok(match outside(given, variable, declared.name)? {
        Some((text, source)) => Chosen { option: declared.name, text: Some(text), source },
        None => file.chosen(declared).unwrap_or_else(|| declared.by_default()),
    })
}

impl Declared {
    /// The name of its environment variable.
    pub(super) fn variable(&self) -> String {
        variable_of(self.name)
    }

    /// What it is when nobody says anything, in words.
    pub(super) fn default_text(&self) -> &'static str {
        match self.default {
            Default::Text(text) | Default::Words(text) => text,
        }
    }

    fn by_default(&self) -> Chosen {
        let text = match self.default {
            Default::Text(text) => Some(text.to_owned()),
            Default::Words(_) => None,
        };
        Chosen { option: self.name, text, source: Source::Default }
    }
}

fn variable_of(option: &str) -> String {
    format!("LEVERET_{}", key(option).to_uppercase())
}

fn key(option: &str) -> String {
    option.replace('-', "_")
}

fn flag(declared: &'static Declared) -> Arg {
    let help = format!("{} [{}; default: {}]", declared.help, declared.variable(), declared.default_text());
    let arg = Arg::new(declared.name).long(declared.name).value_name(declared.takes.placeholder()).help(help);
    match declared.takes {
        Takes::Switch { .. } => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => arg.allow_hyphen_values(false),
    }
}

/// What the command line or the environment says about an option.
fn outside(
    given: &ArgMatches,
    variable: &impl Fn(&str) -> Option<OsString>,
    option: &'static str,
) -> Result<Option<(String, Source)>, OptionError> {
    if let Some(text) = given.get_one::<String>(option) {
        return Ok(Some((text.clone(), Source::Flag)));
    }
    let name = variable_of(option);
    match variable(&name).filter(|text| !text.is_empty()).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some((text, Source::Environment))),
        Some(Err(_)) => Err(OptionError::NotText { variable: name }),
    }
}

/// What the file says.
#[derive(Default)]
struct File {
    texts: Vec<(&'static str, String)>,
}

impl File {
    /// The file that the flags or the environment name, or an empty one.
    fn named(given: &ArgMatches, variable: &impl Fn(&str) -> Option<OsString>) -> Result<File, OptionError> {
        match outside(given, variable, CONFIG)? {
            Some((path, _)) => File::read(Path::new(&path)),
            None => Ok(File::default()),
        }
    }

    fn read(path: &Path) -> Result<File, OptionError> {
        let file = || path.to_owned();
        let text =
            std::fs::read_to_string(path).map_err(|error| OptionError::Unreadable { file: file(), error })?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| OptionError::Syntax {
            file: file(),
            wrong: error.to_string(),
        })?;
        let mut texts = Vec::with_capacity(table.len());
        for (name, value) in table {
            let Some(declared) = in_file().find(|declared| key(declared.name) == name) else {
                return Err(OptionError::UnknownKey { file: file(), nearest: nearest(&name), key: name });
            };
            let text = text_of(&value).ok_or_else(|| OptionError::KeyType {
                file: file(),
                key: name,
                found: value.type_str(),
            })?;
            texts.push((declared.name, text));
        }
        Ok(File { texts })
    }

    fn chosen(&self, declared: &Declared) -> Option<Chosen> {
        let (option, text) = self.texts.iter().find(|(option, _)| *option == declared.name)?;
        Some(Chosen { option, text: Some(text.clone()), source: Source::File })
    }
}

/// The options that the file may set.
fn in_file() -> impl Iterator<Item = &'static Declared> {
    OPTIONS.iter().filter(|declared| declared.name != CONFIG)
}

/// The text that a flag would have for this value.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(on) => Some(on.to_string()),
        Value::Array(values) => {
            let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            Some(texts?.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// How alike two keys must be for one to be taken for the other: three letters of five.
const ALIKE: f64 = 0.6;

/// The key that was most likely meant: the one that is spelled most like it, or else one that it is part of, or that is
/// part of it.
fn nearest(name: &str) -> Option<String> {
    let bare =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let wanted = bare(name);
    let likeness = |known: &Declared| strsim::normalized_damerau_levenshtein(&wanted, &bare(known.name));
    let alike = in_file().map(|known| (likeness(known), known)).filter(|(likeness, _)| *likeness >= ALIKE);
    let overlaps = |known: &&Declared| {
        let known = bare(known.name);
        wanted.len() > 3 && (known.contains(&wanted) || wanted.contains(&known))
    };
    let most_alike = alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known);
    most_alike.or_else(|| in_file().find(overlaps)).map(|known| key(known.name))
}
