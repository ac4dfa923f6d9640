//! `extends`: a job with what it inherits, and what is wrong with its line of ancestors. Pure.

use std::collections::HashMap;

use super::Found;
use super::rules::{EXTENDS_CYCLE, EXTENDS_DEPTH, EXTENDS_MISSING};
use super::tree::Node;

/// Levels of `extends`.
const MOST_LEVELS: usize = 11;

/// The keywords of a job with those of everything that it extends.
pub(super) fn resolve(
    name: &str,
    node: &Node,
    templates: &HashMap<String, &Node>,
    open: bool,
    found: &mut Found,
) -> Node {
    let mut walk = Walk { templates, open, line: vec![name.to_owned()], found };
    walk.resolve(node)
}

struct Walk<'a, 'b, 'c> {
    templates: &'a HashMap<String, &'a Node>,
    open: bool,
    /// The job and its ancestors down to where the walk is.
    line: Vec<String>,
    found: &'b mut Found<'c>,
}

impl Walk<'_, '_, '_> {
    fn resolve(&mut self, node: &Node) -> Node {
        let Some(parents) = node.get("extends") else { return node.clone() };
        let job = self.line[0].clone();
        let mut base = Node::Map(Vec::new());
        for parent in parents.items().into_iter().filter_map(Node::text) {
            let place = [job.as_str(), "extends"];
            if self.line.iter().any(|it| it == parent) {
                let circle = self.line.join("` -> `");
                self.found.add(EXTENDS_CYCLE, &place, format!("`{circle}` -> `{parent}` extends itself"));
            } else if self.line.len() > MOST_LEVELS {
                self.found.add(EXTENDS_DEPTH, &place, format!("`{job}` extends more than {MOST_LEVELS} levels deep"));
                base = base.overlaid(self.templates.get(parent).copied().unwrap_or(&Node::Null));
            } else if let Some(template) = self.templates.get(parent) {
                self.line.push(parent.to_owned());
                base = base.overlaid(&self.resolve(template));
                self.line.pop();
            } else if !self.open {
                let near = super::nearest(parent, self.templates.keys().map(String::as_str));
                self.found.add(
                    EXTENDS_MISSING,
                    &place,
                    format!("`{job}` extends `{parent}`, which is not there{near}"),
                );
            }
        }
        base.overlaid(node)
    }
}
