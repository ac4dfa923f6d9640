//! YAML as GitLab's loader would see it, with what a usual parser hides: keys written twice, tags, depth. Pure.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::ruby;
use serde::de::{Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

/// A value of a YAML file.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Node {
    #[default]
    Null,
    Bool(bool),
    /// As it reads.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file. A key that stands twice is there once after `settle`, with the last value.
    Map(Vec<(Node, Node)>),
    /// `!reference [.job, script]` and the like.
    Tagged(String, Box<Node>),
}

/// What `settle` sees on its way: where, which key, what about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Flaw {
    pub path: Vec<String>,
    pub key: String,
}

impl Node {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name.is(key)).map(|(_, value)| value)
    }

    /// The value at the end of a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        if let Node::Map(entries) = self { entries } else { &[] }
    }

    /// A map's keys as they read.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.entries().iter().map(|(key, _)| key.word())
    }

    /// The elements of a list, or the value itself: GitLab takes both in many places. None for nothing.
    pub fn items(&self) -> Vec<&Node> {
        match self {
            Node::Null => Vec::new(),
            Node::List(items) => items.iter().collect(),
            other => vec![other],
        }
    }

    /// The text of a scalar that is a text.
    pub fn text(&self) -> Option<&str> {
        if let Node::Text(text) = self { Some(text) } else { None }
    }

    /// Is it this text?
    pub fn is(&self, text: &str) -> bool {
        self.text() == Some(text)
    }

    /// A scalar as it reads; other values as a mark.
    pub fn word(&self) -> String {
        match self {
            Node::Null => "null".to_owned(),
            Node::Bool(it) => it.to_string(),
            Node::Number(it) | Node::Text(it) => it.clone(),
            Node::List(_) => "[...]".to_owned(),
            Node::Map(_) => "{...}".to_owned(),
            Node::Tagged(tag, _) => format!("!{tag}"),
        }
    }

    /// A whole number.
    pub fn number(&self) -> Option<i64> {
        if let Node::Number(it) = self { it.parse().ok() } else { None }
    }

    /// Nothing, an empty text, list or map.
    pub fn is_empty(&self) -> bool {
        match self {
            Node::Null => true,
            Node::Text(text) => text.trim().is_empty(),
            Node::List(items) => items.iter().all(Node::is_empty),
            Node::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// Every text in it that is a value, not a key.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Node::Text(text) => vec![text],
            Node::List(items) => items.iter().flat_map(Node::texts).collect(),
            Node::Map(entries) => entries.iter().flat_map(|(_, value)| value.texts()).collect(),
            Node::Tagged(_, inner) => inner.texts(),
            _ => Vec::new(),
        }
    }

    /// How many lists and maps are inside each other.
    pub fn depth(&self) -> usize {
        match self {
            Node::List(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Node::Map(entries) => 1 + entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Node::Tagged(_, inner) => inner.depth(),
            _ => 0,
        }
    }

    /// About how much memory GitLab counts for it, in bytes.
    pub fn ruby_size(&self) -> usize {
        match self {
            Node::Null | Node::Bool(_) | Node::Number(_) => 0,
            Node::Text(it) => ruby::text(it.len()),
            Node::List(items) => ruby::list(items.len()) + items.iter().map(Node::ruby_size).sum::<usize>(),
            Node::Map(entries) => {
                let inner = |(key, value): &(Node, Node)| key.ruby_size() + value.ruby_size();
                ruby::map(entries.len()) + entries.iter().map(inner).sum::<usize>()
            }
            Node::Tagged(_, inner) => ruby::list(1) + inner.ruby_size(),
        }
    }

    /// Resolves merge keys (`<<`), keeps the last of keys that stand twice, and says which those were.
    pub fn settle(&mut self, path: &mut Vec<String>, twice: &mut Vec<Flaw>) {
        match self {
            Node::List(items) => items.iter_mut().for_each(|it| it.settle(path, twice)),
            Node::Tagged(_, inner) => inner.settle(path, twice),
            Node::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    path.push(key.word());
                    value.settle(path, twice);
                    path.pop();
                }
                let mut merged: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
                let mut places: HashMap<String, usize> = HashMap::new();
                let mut inherited = Vec::new();
                for (key, value) in std::mem::take(entries) {
                    if key.is("<<") {
                        inherited.extend(value.items().into_iter().flat_map(Node::entries).cloned());
                        continue;
                    }
                    let word = key.word();
                    if let Some(place) = places.get(&word) {
                        twice.push(Flaw { path: path.clone(), key: word });
                        merged[*place] = (key, value);
                    } else {
                        places.insert(word, merged.len());
                        merged.push((key, value));
                    }
                }
                for (key, value) in inherited {
                    if let std::collections::hash_map::Entry::Vacant(place) = places.entry(key.word()) {
                        place.insert(merged.len());
                        merged.push((key, value));
                    }
                }
                *entries = merged;
            }
            _ => {}
        }
    }

    /// The same as JSON, for a validator: a tag becomes what it holds.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Node::Null => serde_json::Value::Null,
            Node::Bool(it) => (*it).into(),
            Node::Number(it) => serde_json::from_str(it).unwrap_or_else(|_| it.clone().into()),
            Node::Text(it) => it.clone().into(),
            Node::List(items) => items.iter().map(Node::json).collect(),
            Node::Map(entries) => {
                entries.iter().map(|(key, value)| (key.word(), value.json())).collect::<serde_json::Map<_, _>>().into()
            }
            Node::Tagged(_, inner) => inner.json(),
        }
    }

    /// `over` laid over `self`, as `extends` does: maps are merged, everything else is replaced.
    pub fn overlaid(&self, over: &Node) -> Node {
        let (Node::Map(base), Node::Map(top)) = (self, over) else { return over.clone() };
        let mut left: BTreeMap<String, &(Node, Node)> = top.iter().map(|it| (it.0.word(), it)).collect();
        let mut result: Vec<(Node, Node)> = Vec::with_capacity(base.len() + top.len());
        for (key, value) in base {
            let value = left.remove(&key.word()).map_or_else(|| value.clone(), |(_, over)| value.overlaid(over));
            result.push((key.clone(), value));
        }
        result.extend(top.iter().filter(|(key, _)| left.contains_key(&key.word())).cloned());
        Node::Map(result)
    }
}

/// All documents of a YAML text.
///
/// # Errors
/// The parser's own words with line and column, and the line.
pub fn parse(text: &str) -> Result<Vec<Node>, (String, Option<usize>)> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| {
            Node::deserialize(document).map_err(|error| (error.to_string(), error.location().map(|it| it.line())))
        })
        .collect()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(Nodes)
    }
}

struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Node, E> {
        Ok(Node::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Node, E> {
        Ok(Node::Number(it.to_string()))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Node, E> {
        Ok(Node::Number(it.to_string()))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Node, E> {
        Ok(Node::Number(it.to_string()))
    }

    fn visit_str<E>(self, it: &str) -> Result<Node, E> {
        Ok(Node::Text(it.to_owned()))
    }

    fn visit_string<E>(self, it: String) -> Result<Node, E> {
        Ok(Node::Text(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Node, A::Error> {
        let (tag, inner) = access.variant::<String>()?;
        Ok(Node::Tagged(tag, Box::new(inner.newtype_variant()?)))
    }
}
