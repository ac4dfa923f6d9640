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
    known: &mut Resolved,
    found: &mut Found,
) -> Node {
    let mut walk = Walk { templates, open, line: vec![name.to_owned()], known, found };
    walk.resolve(node).0
}

/// So many findings are as good as more, and each may stand for a way of its own.
const ENOUGH: usize = 500;

/// What a template amounts to, with what it extends; and how many levels that is below it.
pub type Resolved = HashMap<String, (Node, usize)>;

struct Walk<'a, 'b, 'c> {
    templates: &'a HashMap<String, &'a Node>,
    open: bool,
    /// The job and its ancestors down to where the walk is.
    line: Vec<String>,
    /// Templates are extended by many: without this, eleven levels of ten each are walked ten to the eleventh times.
    known: &'b mut Resolved,
    found: &'b mut Found<'c>,
}

impl Walk<'_, '_, '_> {
    /// The node with what it extends, and how many levels that is.
    fn resolve(&mut self, node: &Node) -> (Node, usize) {
        let Some(parents) = node.get("extends").filter(|_| self.found.list.len() < ENOUGH) else {
            return (node.clone(), 0);
        };
        let job = self.line[0].clone();
        let mut base = Node::Map(Vec::new());
        let mut levels = 0;
        for parent in parents.items().into_iter().filter_map(Node::text) {
            let place = [job.as_str(), "extends"];
            if self.line.iter().any(|it| it == parent) {
                let circle = self.line.join("` -> `");
                self.found.add(EXTENDS_CYCLE, &place, format!("`{circle}` -> `{parent}` extends itself"));
            } else if self.line.len() > MOST_LEVELS {
                self.found.add(EXTENDS_DEPTH, &place, format!("`{job}` extends more than {MOST_LEVELS} levels deep"));
                base = base.overlaid(self.templates.get(parent).copied().unwrap_or(&Node::Null));
            } else if let Some((known, below)) =
                self.known.get(parent).filter(|it| self.line.len() + it.1 <= MOST_LEVELS)
            {
                base = base.overlaid(known);
                levels = levels.max(below + 1);
            } else if let Some(template) = self.templates.get(parent) {
                self.line.push(parent.to_owned());
                let before = self.found.list.len();
                let (resolved, below) = self.resolve(template);
                self.line.pop();
                base = base.overlaid(&resolved);
                levels = levels.max(below + 1);
                // What is wrong is said of each job that it reaches.
                if self.found.list.len() == before {
                    self.known.insert(parent.to_owned(), (resolved, below));
                }
            } else if !self.open {
                let near = super::nearest(parent, self.templates.keys().map(String::as_str));
                self.found.add(
                    EXTENDS_MISSING,
                    &place,
                    format!("`{job}` extends `{parent}`, which is not there{near}"),
                );
            }
        }
        (base.overlaid(node), levels)
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{Options, check};

    /// What is checked, and what its jobs amount to, grows with the file and not with the ways through it.
    #[test]
    fn templates_that_extend_many_templates() {
        let level = |number: usize, below: &str| format!(".a{number}: {{extends: [{}]}}\n", vec![below; 40].join(", "));
        let levels = |most: usize, first: &str| -> String {
            (1..=most).map(|it| level(it, &if it == 1 { first.to_owned() } else { format!(".a{}", it - 1) })).collect()
        };
        let rules = |text: &str| -> Vec<&str> {
            let mut rules: Vec<&str> = check(text, &Options::any()).iter().map(|it| it.rule.id).collect();
            rules.dedup();
            rules
        };
        let job = "j:\n  extends: .a10\n  stage: deploy\n";
        assert_eq!(rules(&format!(".a: {{script: [x]}}\n{}{job}", levels(10, ".a"))), [""; 0]);
        let missing = format!("{}{job}", levels(10, ".no"));
        assert!(rules(&missing).contains(&"extends-missing"));
        let all: Vec<String> = (0..30).map(|it| format!(".b{it}")).collect();
        let circle: String = all.iter().map(|it| format!("{it}: {{extends: [{}]}}\n", all.join(", "))).collect();
        assert!(rules(&format!("{circle}j: {{extends: .b0}}\n")).contains(&"extends-cycle"));
        // A level that is reached by a shorter way first is still one too many by the longer.
        let chain: String = (1..=11).map(|it| format!(".a{it}: {{extends: .a{}}}\n", it - 1)).collect();
        let text = format!(".a0: {{script: [x]}}\n{chain}i: {{extends: .a10}}\nj: {{extends: .a11}}\n");
        let found = check(&text, &Options::any());
        assert_eq!(found.iter().map(|it| it.place[0].as_str()).collect::<Vec<_>>(), ["j"], "{found:#?}");
    }
}
