//! Who needs whom, drawn: as a text tree, for Graphviz, for Mermaid, as JSON.
//!
//! Pure. What is affected is marked. Must not decide what is affected.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::flags::Format;
use crate::locked::Scope;
use crate::plan::Plan;
use crate::side::{Project, Side, shown};
use crate::tree::spelled;

/// The projects as a graph: name, directory, affected, needs with what for.
#[derive(Debug, Serialize)]
struct Node<'a> {
    name: &'a str,
    path: &'a str,
    affected: bool,
    needs: Vec<Edge>,
}

#[derive(Debug, Serialize)]
struct Edge {
    name: String,
    scope: &'static str,
}

/// Draws the projects of a revision.
pub fn draw(side: &Side, plan: &Plan, format: Format) -> String {
    let affected: BTreeSet<&str> = plan.projects.iter().filter(|it| it.selected).map(|it| it.name.as_str()).collect();
    let nodes: Vec<Node> = side
        .projects
        .iter()
        .map(|it| Node {
            name: &it.name,
            path: spelled(&it.dir),
            affected: affected.contains(it.name.as_str()),
            needs: edges(side, it),
        })
        .collect();
    match format {
        Format::Text => text(side, &nodes),
        Format::Dot => dot(&nodes),
        Format::Mermaid => mermaid(&nodes),
        // A value of our own without maps or floats always becomes JSON.
        Format::Json => serde_json::to_string_pretty(&nodes).unwrap_or_default() + "\n",
    }
}

fn edges(side: &Side, project: &Project) -> Vec<Edge> {
    let of = |need: &crate::side::Need| Edge {
        name: side.project_in(&need.dir).map_or_else(|| shown(&need.dir).to_owned(), |it| it.name.clone()),
        scope: if need.scope == Scope::Runtime { "runtime" } else { "dev" },
    };
    project.needs.iter().map(of).collect()
}

/// A tree from those that nobody needs down to those that need nobody; what was drawn before is not drawn again.
fn text(side: &Side, nodes: &[Node]) -> String {
    let by_name: BTreeMap<&str, &Node> = nodes.iter().map(|it| (it.name, it)).collect();
    let needed: BTreeSet<&str> = nodes.iter().flat_map(|it| it.needs.iter().map(|edge| edge.name.as_str())).collect();
    let mut out = String::new();
    let mut drawn = BTreeSet::new();
    // In a cycle everyone is needed: what no root led to begins a tree of its own.
    let roots = nodes.iter().filter(|it| !needed.contains(it.name)).chain(nodes.iter());
    for root in roots {
        if !drawn.contains(root.name) {
            branch(&by_name, root.name, "", 0, &mut drawn, &mut out);
        }
    }
    let affected = nodes.iter().filter(|it| it.affected).count();
    let edges: usize = side.projects.iter().map(|it| it.needs.len()).sum();
    writeln!(out, "{} projects, {edges} edges; {affected} affected (*)", nodes.len()).expect("a string");
    out
}

fn branch<'a>(
    nodes: &BTreeMap<&'a str, &'a Node<'a>>,
    name: &'a str,
    note: &str,
    depth: usize,
    drawn: &mut BTreeSet<&'a str>,
    out: &mut String,
) {
    let node = nodes.get(name);
    let mark = if node.is_some_and(|it| it.affected) { " *" } else { "" };
    let again = node.is_some_and(|it| !it.needs.is_empty()) && drawn.contains(name);
    let dots = if again { " ..." } else { "" };
    writeln!(out, "{:1$}{name}{mark}{note}{dots}", "", depth * 2).expect("a string");
    if !drawn.insert(name) {
        return;
    }
    for edge in node.iter().flat_map(|it| &it.needs) {
        branch(nodes, &edge.name, if edge.scope == "dev" { " (dev)" } else { "" }, depth + 1, drawn, out);
    }
}

fn dot(nodes: &[Node]) -> String {
    let mut out = "digraph projects {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for node in nodes {
        let style = if node.affected { " [style=filled]" } else { "" };
        writeln!(out, "  {:?}{style};", node.name).expect("a string");
    }
    for (node, edge) in pairs(nodes) {
        let style = if edge.scope == "dev" { " [style=dashed]" } else { "" };
        writeln!(out, "  {:?} -> {:?}{style};", node.name, edge.name).expect("a string");
    }
    out + "}\n"
}

fn mermaid(nodes: &[Node]) -> String {
    // Ids are numbers: Mermaid takes few characters there, and some names are its own words.
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for name in nodes.iter().map(|it| it.name).chain(pairs(nodes).map(|(_, edge)| edge.name.as_str())) {
        let next = ids.len();
        ids.entry(name).or_insert(next);
    }
    let mut out = "graph LR\n".to_owned();
    let mut sorted: Vec<(&&str, &usize)> = ids.iter().collect();
    sorted.sort_by_key(|it| it.1);
    for (name, id) in sorted {
        writeln!(out, "  n{id}[\"{name}\"]").expect("a string");
    }
    for (node, edge) in pairs(nodes) {
        let arrow = if edge.scope == "dev" { "-.->" } else { "-->" };
        writeln!(out, "  n{} {arrow} n{}", ids[node.name], ids[edge.name.as_str()]).expect("a string");
    }
    let affected: Vec<String> = nodes.iter().filter(|it| it.affected).map(|it| format!("n{}", ids[it.name])).collect();
    if !affected.is_empty() {
        writeln!(out, "  classDef affected fill:#fc9\n  class {} affected", affected.join(",")).expect("a string");
    }
    out
}

fn pairs<'a>(nodes: &'a [Node]) -> impl Iterator<Item = (&'a Node<'a>, &'a Edge)> {
    nodes.iter().flat_map(|node| node.needs.iter().map(move |edge| (node, edge)))
}
