//! Why a text is no filter policy.

use crate::limits::{FILTER_POLICY_BYTES, FILTER_POLICY_KEYS};
use std::fmt;

/// One variant per thing that can be wrong with a policy. Shown, it is AWS's message where one is known: without the
/// `Invalid parameter: ` (and, in Subscribe, `Attributes Reason: `) that the door puts before it, and without the
/// position in the text that AWS adds to some.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FilterError {
    /// The text is longer than [`FILTER_POLICY_BYTES`].
    TooLarge {
        /// How many bytes it has.
        bytes: usize,
    },
    /// It is no JSON, for this reason.
    Json(String),
    /// It is JSON, but no object.
    NotAnObject,
    /// It has more keys than [`FILTER_POLICY_KEYS`].
    TooManyKeys,
    /// It has more combinations, more conditions or longer paths than [`crate::limits`] allow.
    TooComplex,
    /// It nests, and its scope is the attributes.
    NestedAttributes,
    /// An object inside it is empty.
    EmptyObject,
    /// The array of a key, or of patterns that a condition excludes, is empty.
    EmptyArray,
    /// The value of this key is no object and no array.
    NeitherObjectNorArray(String),
    /// An array of conditions holds an array.
    MatchValue,
    /// A condition is an object without a key.
    NoOperator,
    /// A condition is an object of several keys.
    SeveralOperators,
    /// Nobody knows this operator.
    UnknownOperator(String),
    /// What this operator is given is no string.
    NotText(&'static str),
    /// `exists` is given neither true nor false.
    NotBool,
    /// A `$or` is wrong.
    Or(OrError),
    /// An `anything-but` is wrong.
    AnythingBut(AnythingButError),
    /// A wildcard is wrong.
    Wildcard(WildcardError),
    /// A CIDR is wrong.
    Cidr(CidrError),
    /// A `numeric` is wrong.
    Numeric(NumericError),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One message of AWS does not begin with the parameter's name.
        if *self != FilterError::NestedAttributes {
            f.write_str("FilterPolicy: ")?;
        }
        match self {
            FilterError::TooLarge { bytes } => {
                write!(f, "Filter policy has {bytes} bytes, more than {FILTER_POLICY_BYTES}")
            }
            FilterError::Json(reason) => write!(f, "failed to parse JSON. {reason}"),
            FilterError::NotAnObject => f.write_str("Filter is not an object"),
            FilterError::TooManyKeys => {
                write!(f, "Filter policy can not have more than {FILTER_POLICY_KEYS} keys")
            }
            FilterError::TooComplex => f.write_str("Filter policy is too complex"),
            FilterError::NestedAttributes => {
                f.write_str("Filter policy scope MessageAttributes does not support nested filter policy")
            }
            FilterError::EmptyObject => f.write_str("Empty objects are not allowed"),
            FilterError::EmptyArray => f.write_str("Empty arrays are not allowed"),
            FilterError::NeitherObjectNorArray(key) => {
                write!(f, "\"{key}\" must be an object or an array")
            }
            FilterError::MatchValue => {
                f.write_str("Match value must be String, number, true, false, or null")
            }
            FilterError::NoOperator => f.write_str("Match expression name not found"),
            FilterError::SeveralOperators => f.write_str("Only one key allowed in match expression"),
            FilterError::UnknownOperator(operator) => write!(f, "Unrecognized match type {operator}"),
            FilterError::NotText(operator) => write!(f, "{operator} match pattern must be a string"),
            FilterError::NotBool => f.write_str("exists match pattern must be either true or false."),
            FilterError::Or(error) => error.fmt(f),
            FilterError::AnythingBut(error) => error.fmt(f),
            FilterError::Wildcard(error) => error.fmt(f),
            FilterError::Cidr(error) => error.fmt(f),
            FilterError::Numeric(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FilterError {}

/// What can be wrong with a `$or`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrError {
    /// It is given no array.
    NotAnArray,
    /// Its array holds something else than an object.
    NotAnObject,
    /// Its array holds fewer than two objects.
    TooFew,
    /// An object in it has this key, which is the name of an operator, or could become one.
    Reserved(String),
}

impl fmt::Display for OrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrError::NotAnArray => f.write_str("It must be an Array followed with $or."),
            OrError::NotAnObject => f.write_str("Only JSON object is allowed in array of $or relationship."),
            OrError::TooFew => f.write_str("There must have at least 2 Objects in $or relationship."),
            OrError::Reserved(key) => {
                write!(f, "{key} is Ruler reserved fieldName which cannot be used inside $or.")
            }
        }
    }
}

/// What can be wrong with an `anything-but`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnythingButError {
    /// It is given neither string, number, array nor object.
    Kind,
    /// Its list holds something else than strings and numbers.
    Element,
    /// Its list is empty, or holds both strings and numbers.
    Mixed,
    /// It cannot be combined with this operator.
    Operator(String),
    /// It excludes the empty prefix or suffix, which every string has.
    EmptyAffix,
}

impl fmt::Display for AnythingButError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnythingButError::Kind => {
                f.write_str("Value of anything-but must be an array or single string/number value.")
            }
            AnythingButError::Element => {
                f.write_str("Inside anything but list, start|null|boolean is not supported.")
            }
            AnythingButError::Mixed => f.write_str(
                "Inside anything but list, either all values are number or string, mixed type is not supported",
            ),
            AnythingButError::Operator(operator) => {
                write!(f, "Unsupported anything-but pattern: {operator}")
            }
            AnythingButError::EmptyAffix => f.write_str("Null prefix/suffix not allowed"),
        }
    }
}

/// What can be wrong with a wildcard. Positions are bytes, and as AWS counts them: the pattern begins at 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WildcardError {
    /// Two asterisks stand together here.
    Together(usize),
    /// A backslash here escapes neither asterisk nor backslash.
    Escape(usize),
}

impl fmt::Display for WildcardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WildcardError::Together(at) => write!(f, "Consecutive wildcard characters at pos {at}"),
            WildcardError::Escape(at) => write!(f, "Invalid escape character at pos {at}"),
        }
    }
}

/// What can be wrong with a CIDR.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CidrError {
    /// It has not exactly one slash, with something behind it.
    Slash,
    /// What follows the slash is no integer.
    Bits,
    /// What follows the slash is negative.
    NegativeBits,
    /// An IPv4 network of 32 bits or more. A single address is written as a string.
    BitsV4,
    /// An IPv6 network of 128 bits or more.
    BitsV6,
    /// What precedes the slash is no address.
    Address(String),
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CidrError::Slash => f.write_str("Malformed CIDR, one '/' required"),
            CidrError::Bits => f.write_str("Malformed CIDR, mask bits must be an integer"),
            CidrError::NegativeBits => f.write_str("Malformed CIDR, mask bits must not be negative"),
            CidrError::BitsV4 => f.write_str("IPv4 mask bits must be < 32"),
            CidrError::BitsV6 => f.write_str("IPv6 mask bits must be < 128"),
            CidrError::Address(address) => write!(f, "Nonstandard IP address: {address}"),
        }
    }
}

/// What can be wrong with a `numeric`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NumericError {
    /// It is given no array.
    NotAnArray,
    /// Its array begins with this, which is no string.
    Member(String),
    /// Its array begins with this string, which is no operator.
    Operator(String),
    /// This operator is not followed by a number.
    Value(&'static str),
    /// Something follows a comparison that is no lower bound.
    TooLong,
    /// A lower bound is followed by this, which is no string.
    RangeMember(String),
    /// A lower bound is followed by this string, which is no operator of an upper bound.
    RangeOperator(String),
    /// Something follows the upper bound.
    RangeTooLong,
    /// No number is between the bounds.
    RangeEmpty,
}

impl fmt::Display for NumericError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumericError::NotAnArray => f.write_str("Value of numeric must be an array."),
            NumericError::Member(member) => write!(f, "Invalid member in numeric match: {member}"),
            NumericError::Operator(operator) => {
                write!(f, "Unrecognized numeric range operator: {operator}")
            }
            NumericError::Value(operator) => write!(f, "Value of {operator} must be numeric"),
            NumericError::TooLong => f.write_str("Too many elements in numeric expression"),
            NumericError::RangeMember(member) => write!(f, "Bad value in numeric range: {member}"),
            NumericError::RangeOperator(operator) => write!(f, "Bad numeric range operator: {operator}"),
            NumericError::RangeTooLong => f.write_str("Too many terms in numeric range expression"),
            NumericError::RangeEmpty => f.write_str("Bottom must be less than top"),
        }
    }
}

/// What a message quotes of a policy, at most 256 bytes of it.
pub(super) fn clipped(text: &str) -> String {
    text[..text.floor_char_boundary(256)].to_owned()
}
