//! Topic exchanges: keys are words between dots; in a binding key `*` stands for one word, `#` for any number.
//!
//! The bindings are a trie over words. A message walks down it with its routing key, along the child of each word,
//! the child `*`, and, for `#`, with every rest of the key: with at most two `#` in a key, the longest routing key
//! costs a few thousand steps. RabbitMQ has the same bound, for the same reason.

use super::{Kind, Router};
use crate::Refusal;
use crate::catalog::route::message::RoutedMessage;
use crate::catalog::route::targets::{Found, Targets};
use crate::catalog::state::{Binding, Target};
use crate::wire::Table;
use std::collections::HashMap;
use std::sync::Arc;

/// How many `#` a binding key may have.
const MAX_HASH_WILDCARDS: usize = 2;

/// The kind `topic`.
pub(super) struct Topic;

impl Kind for Topic {
    fn name(&self) -> &'static str {
        "topic"
    }

    fn router(&self, _arguments: &Table) -> Result<Box<dyn Router>, Refusal> {
        Ok(Box::new(TopicRouter::default()))
    }
}

#[derive(Debug, Default)]
struct TopicRouter {
    root: Node,
}

/// The bindings whose keys begin with the words on the way here.
#[derive(Debug, Default)]
struct Node {
    /// Those whose keys end here.
    targets: Targets,
    words: HashMap<Box<str>, Node>,
    star: Option<Box<Node>>,
    hash: Option<Box<Node>>,
}

impl Router for TopicRouter {
    fn check(&self, binding: &Binding) -> Result<(), Refusal> {
        let routing_key = &binding.routing_key;
        let wildcards = routing_key.split('.').filter(|word| *word == "#").count();
        if wildcards > MAX_HASH_WILDCARDS {
            return Err(Refusal::precondition(format!(
                "Topic binding key '{routing_key}' uses {wildcards} '#' wildcards, at most {MAX_HASH_WILDCARDS} \
                 are allowed"
            )));
        }
        Ok(())
    }

    fn add(&mut self, binding: &Arc<Binding>, target: Target) {
        let mut node = &mut self.root;
        let mut rest = words(&binding.routing_key);
        while let Some(key) = rest {
            let (word, behind) = split(key);
            node = node.child_mut(word);
            rest = behind;
        }
        node.targets.add(target);
    }

    fn remove(&mut self, binding: &Arc<Binding>, target: &Target) {
        self.root.remove(words(&binding.routing_key), target);
    }

    fn find<'a>(&'a self, message: &RoutedMessage<'_>, found: &mut Found<'a, '_>) {
        for key in message.routing_keys {
            self.root.find(words(key), found);
        }
    }
}

impl Node {
    fn child_mut(&mut self, word: &str) -> &mut Node {
        match word {
            "*" => self.star.get_or_insert_default(),
            "#" => self.hash.get_or_insert_default(),
            // Looked up first: an entry would need the word on the heap though it is there.
            word if self.words.contains_key(word) => {
                self.words.get_mut(word).expect("the word was found the line before")
            }
            word => self.words.entry(word.into()).or_default(),
        }
    }

    /// Removes a target at the end of `rest`, and the nodes that lead to nothing without it.
    fn remove(&mut self, rest: Option<&str>, target: &Target) {
        let Some(key) = rest else {
            self.targets.remove(target);
            return;
        };
        let (word, rest) = split(key);
        match word {
            "*" => remove_below(&mut self.star, rest, target),
            "#" => remove_below(&mut self.hash, rest, target),
            word => {
                let Some(child) = self.words.get_mut(word) else { return };
                child.remove(rest, target);
                if child.leads_nowhere() {
                    self.words.remove(word);
                }
            }
        }
    }

    fn leads_nowhere(&self) -> bool {
        self.targets.is_empty() && self.has_no_children()
    }

    fn has_no_children(&self) -> bool {
        self.words.is_empty() && self.star.is_none() && self.hash.is_none()
    }

    fn find<'a>(&'a self, rest: Option<&str>, found: &mut Found<'a, '_>) {
        if let Some(hash) = &self.hash {
            hash.find_any_rest(rest, found);
        }
        let Some(key) = rest else {
            self.targets.find(found);
            return;
        };
        let (word, rest) = split(key);
        if let Some(child) = self.words.get(word) {
            child.find(rest, found);
        }
        if let Some(star) = &self.star {
            star.find(rest, found);
        }
    }

    /// Goes on behind a `#`, which may have taken none, some or all of the words.
    fn find_any_rest<'a>(&'a self, mut rest: Option<&str>, found: &mut Found<'a, '_>) {
        if self.has_no_children() {
            self.targets.find(found);
            return;
        }
        while let Some(key) = rest {
            self.find(rest, found);
            rest = split(key).1;
        }
        self.find(None, found);
    }
}

fn remove_below(child: &mut Option<Box<Node>>, rest: Option<&str>, target: &Target) {
    let Some(node) = child else { return };
    node.remove(rest, target);
    if node.leads_nowhere() {
        *child = None;
    }
}

/// The words of a key: none if it is empty, and otherwise one more than it has dots.
fn words(key: &str) -> Option<&str> {
    (!key.is_empty()).then_some(key)
}

/// The first word and, if there was a dot behind it, the others.
fn split(key: &str) -> (&str, Option<&str>) {
    match key.split_once('.') {
        Some((word, rest)) => (word, Some(rest)),
        None => (key, None),
    }
}
