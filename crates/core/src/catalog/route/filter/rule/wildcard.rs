//! Patterns with asterisks, each of which stands for any characters, or none.

use super::super::error::WildcardError;

/// A pattern, cut at its asterisks.
pub(in super::super) struct Wildcard {
    /// What the text begins with.
    first: String,
    /// What comes after an asterisk, in this order; the last of them ends the text.
    after: Vec<String>,
}

impl Wildcard {
    /// Parses a pattern: a backslash takes the meaning from an asterisk or a backslash.
    pub(super) fn parse(pattern: &str) -> Result<Wildcard, WildcardError> {
        let mut pieces = vec![String::new()];
        let mut characters = pattern.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            // AWS counts from the quotation mark before the pattern.
            let position = at + 1;
            let next = characters.peek().map(|&(_, next)| next);
            let literal = match (character, next) {
                ('*', Some('*')) => return Err(WildcardError::Together(position)),
                ('*', _) => {
                    pieces.push(String::new());
                    continue;
                }
                ('\\', Some(escaped @ ('*' | '\\'))) => {
                    characters.next();
                    escaped
                }
                ('\\', _) => return Err(WildcardError::Escape(position)),
                (literal, _) => literal,
            };
            pieces.last_mut().expect("there is a piece from the start").push(literal);
        }
        let first = pieces.remove(0);
        Ok(Wildcard { first, after: pieces })
    }

    /// Whether a text fits. To take the first place where a piece fits leaves the most room for those after it, so
    /// nothing is tried twice: the time is that of reading the text once.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((last, middle)) = self.after.split_last() else { return text == self.first };
        let Some(text) = text.strip_prefix(self.first.as_str()) else { return false };
        let Some(mut text) = text.strip_suffix(last.as_str()) else { return false };
        for piece in middle {
            let Some(at) = text.find(piece.as_str()) else { return false };
            text = &text[at + piece.len()..];
        }
        true
    }
}
