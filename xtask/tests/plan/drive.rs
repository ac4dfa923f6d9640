//! Hands revisions to xtask and takes back what it says: the only place that knows its interface.

use std::cell::RefCell;
use std::collections::BTreeMap;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask::affected::{Affected, Comparison};
use xtask::config::NoInput;
use xtask::inputs;
use xtask::plan::{Candidate, Plan};
use xtask::planview;
use xtask::rules::Rules;
use xtask::side::{Project, Side};
use xtask::stages::{Run, STAGES};
use xtask::survey::followed::followed;
use xtask::survey::{self, Memo, Settings};
use xtask::tree::{self, Change, Entry, Id, Tree};

use super::model::Selected;
use super::render::Files;

thread_local! {
    /// Parsing is what takes the time, and the same few texts come again and again.
    static MEMO: RefCell<Memo> = RefCell::default();
}

/// What is nobody's input, in every revision.
pub const NO_INPUT: &[&str] = &["docs/**", "*.md"];

/// The tree of a revision; with a number, its files are handed over in another order.
pub fn tree_of(files: &Files, order: Option<usize>) -> Tree {
    let mut entries: Vec<_> = files
        .iter()
        .map(|(path, (mode, bytes))| (Utf8PathBuf::from(path), Entry { mode: *mode, id: id(bytes) }))
        .collect();
    if let Some(seed) = order {
        permute(&mut entries, seed);
    }
    Tree::new(entries)
}

fn id(bytes: &[u8]) -> Id {
    Id::new(&hmac_sha256::Hash::hash(bytes)[..20]).expect("20 bytes")
}

/// Another order of the same things.
pub fn permute<T>(items: &mut [T], seed: usize) {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    for last in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, (state >> 33) % (last + 1));
    }
}

fn side(files: &Files, tree: Tree, other: Option<&Side>, changes: Option<&[Change]>) -> Side {
    let text = String::from_utf8(files["ci/xtask.toml"].1.clone()).expect("UTF-8");
    let settings = Settings { text, file: "ci/xtask.toml".into(), dir: Some("ci".into()), outside: BTreeMap::new() };
    let mut read = reader(files);
    let read = |memo: &mut Memo| survey::side(tree, &settings, memo, other, changes, &mut read);
    MEMO.with_borrow_mut(read).expect("a readable revision")
}

fn reader(files: &Files) -> impl FnMut(&Utf8Path, Entry) -> Result<Vec<u8>> {
    move |path: &Utf8Path, entry: Entry| {
        let own = &files[path.as_str()].1;
        // What lies behind a link is asked for by what it is.
        let behind = || files.values().map(|it| &it.1).find(|it| id(it) == entry.id).expect("content");
        Ok(if id(own) == entry.id { own.clone() } else { behind().clone() })
    }
}

/// As the program reads it: what is asked for by name lies where links to it are.
fn read_tree(files: &Files, order: Option<usize>) -> Tree {
    let tree = tree_of(files, order);
    followed(&tree, Some("ci".into()), &mut reader(files)).expect("readable links").unwrap_or(tree)
}

fn rules() -> Rules {
    let paths = NO_INPUT.iter().map(|it| (*it).to_owned()).collect();
    Rules::of([NoInput { paths, reason: "nobody's".to_owned() }]).expect("globs")
}

/// What xtask says of a change; with a number, everything is handed over in another order.
pub fn affected(base: &Files, head: &Files, order: Option<usize>) -> Affected {
    with(base, head, order, |it| it.affected())
}

/// The plan of a change as JSON.
pub fn json(base: &Files, head: &Files, order: Option<usize>) -> String {
    with(base, head, order, |it| {
        let of = |it: &Project| Candidate { name: it.name.clone(), dir: it.dir.to_path_buf(), image: it.facts.image };
        let mut candidates: Vec<Candidate> = it.head.projects.iter().map(of).collect();
        if let Some(seed) = order {
            permute(&mut candidates, seed);
        }
        planview::json(&Plan::of(&candidates, &it.affected(), &[]).expect("a plan of all stages"))
    })
}

fn with<T>(base: &Files, head: &Files, order: Option<usize>, ask: impl Fn(&Comparison) -> T) -> T {
    let (old, new) = (read_tree(base, order), read_tree(head, order.map(|it| it + 1)));
    let changes = tree::changes(&old, &new);
    let new = side(head, new, None, Some(&changes));
    let old = side(base, old, Some(&new), Some(&changes));
    ask(&Comparison::new(&old, &new, &changes, &rules()))
}

/// What is selected, without the reasons.
pub fn selected(affected: &Affected) -> Selected {
    let stages = affected.projects.iter().flat_map(|(name, stages)| stages.iter().map(move |it| (name, it.0.name)));
    stages.map(|(name, stage)| (name.clone(), stage)).collect()
}

/// The slow path: the full lists of all projects and stages, compared.
pub fn by_lists(base: &Files, head: &Files) -> Selected {
    let [old, new] = [base, head].map(|files| side(files, read_tree(files, None), None, None));
    let mut found = Selected::new();
    for project in &new.projects {
        for stage in STAGES.iter().filter(|it| !matches!(it.run, Run::Manual)) {
            let before = old.project(&project.name).map(|it| inputs::list(&old, it, stage));
            if before.as_ref() != Some(&inputs::list(&new, project, stage)) {
                found.insert((project.name.clone(), stage.name));
            }
        }
    }
    found
}
