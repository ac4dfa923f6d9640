//! Properties of "what a change can affect", on random small monorepos and random changes.
//!
//! A failure prints the repository, the changes and what they did to the files, made as small as they get. Must not touch
//! a file, git or a tool, but for `committed`.

use std::collections::BTreeSet;
use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

#[path = "plan/beside.rs"]
mod beside;
#[path = "plan/committed.rs"]
mod committed;
#[path = "plan/drive.rs"]
mod drive;
#[path = "plan/edits.rs"]
mod edits;
#[path = "plan/examples.rs"]
mod examples;
#[path = "plan/model.rs"]
mod model;
#[path = "plan/model_needs.rs"]
mod model_needs;
#[path = "plan/model_policy.rs"]
mod model_policy;
#[path = "plan/model_read.rs"]
mod model_read;
#[path = "plan/render.rs"]
mod render;
#[path = "plan/render_ci.rs"]
mod render_ci;
#[path = "plan/repos.rs"]
mod repos;

use edits::{Edit, Kind};
use model::{Revision, Selected};
use render::Files;
use repos::{Place, ProjectSeed, Repo};
use xtask::tree::Mode;

/// How many random cases each property gets: ten thousand in all.
const UNRELATED: u32 = 800;
const STEPS: u32 = 900;
const SAME: u32 = 2500;
const BACK: u32 = 800;
const RENAMED: u32 = 800;
const ORDER: u32 = 700;
const MODEL: u32 = 2000;
const LISTS: u32 = 1500;

/// A repository and two series of changes.
#[derive(Clone)]
struct Case {
    repo: Repo,
    first: Vec<Edit>,
    second: Vec<Edit>,
    number: usize,
}

fn case() -> impl Strategy<Value = Case> {
    (repos::repo(), vec(edits::edit(), 1..4), vec(edits::edit(), 0..3), 0..64_usize)
        .prop_map(|(repo, first, second, number)| Case { repo, first, second, number })
}

/// The repository before, between and after its changes, and what they did.
struct Story {
    a: Files,
    b: Files,
    c: Files,
    middle: Repo,
    said: Vec<String>,
}

impl Case {
    fn story(&self) -> Story {
        let mut repo = self.repo.clone();
        let a = render::files(&repo);
        let mut said: Vec<String> = self.first.iter().filter_map(|it| it.apply(&mut repo)).collect();
        let (b, middle) = (render::files(&repo), repo.clone());
        said.push("--".to_owned());
        said.extend(self.second.iter().filter_map(|it| it.apply(&mut repo)));
        Story { a, b, c: render::files(&repo), middle, said }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let story = self.story();
        writeln!(f, "number {}; the changes, `--` between the two series:", self.number)?;
        story.said.iter().try_for_each(|it| writeln!(f, "  {it}"))?;
        writeln!(f, "the repository before:")?;
        for (path, (mode, bytes)) in &story.a {
            let is_read = path.ends_with("pyproject.toml") || path.ends_with("uv.lock");
            if path == "ci/xtask.toml" || (is_read && !path.starts_with("ci/")) {
                writeln!(
                    f,
                    "  {path}:\n    | {}",
                    String::from_utf8_lossy(bytes).trim_end().replace('\n', "\n    | ")
                )?;
            } else {
                writeln!(
                    f,
                    "  {path} {mode:?} {:?}",
                    String::from_utf8_lossy(bytes).chars().take(30).collect::<String>()
                )?;
            }
        }
        write_difference(f, "first", &story.a, &story.b)?;
        write_difference(f, "second", &story.b, &story.c)
    }
}

fn write_difference(f: &mut fmt::Formatter<'_>, which: &str, old: &Files, new: &Files) -> fmt::Result {
    writeln!(f, "what the {which} series did:")?;
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for path in paths.into_iter().filter(|it| old.get(*it) != new.get(*it)) {
        let text = |files: &Files| {
            files.get(path).map_or_else(Vec::new, |(mode, bytes)| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                std::iter::once(format!("{mode:?}")).chain(text.lines().map(str::to_owned)).collect()
            })
        };
        let (before, after) = (text(old), text(new));
        writeln!(f, "  {path}")?;
        before.iter().filter(|it| !after.contains(it)).try_for_each(|it| writeln!(f, "    - {it}"))?;
        after.iter().filter(|it| !before.contains(it)).try_for_each(|it| writeln!(f, "    + {it}"))?;
    }
    Ok(())
}

/// Tries a property on that many random cases, and `PLAN_CASES` times as many where that is set: new cases each time.
fn check(name: &str, cases: u32, property: impl Fn(&Case) -> Result<(), String>) {
    let regressions = FileFailurePersistence::Direct("tests/plan/regressions");
    let times = std::env::var("PLAN_CASES").map_or(1, |it| it.parse().expect("PLAN_CASES is a number"));
    let cases = cases * times;
    let config =
        Config { cases, failure_persistence: Some(Box::new(regressions)), max_shrink_iters: 3000, ..Config::default() };
    let start = std::time::Instant::now();
    let run = TestRunner::new(config).run(&case(), |it| property(&it).map_err(TestCaseError::fail));
    if let Err(error) = run {
        panic!("{name}: {error}");
    }
    eprintln!("{name}: {cases} cases in {:.1} s", start.elapsed().as_secs_f64());
}

fn selected(base: &Files, head: &Files) -> Selected {
    drive::selected(&drive::affected(base, head, None))
}

fn no_input(path: &str) -> bool {
    path.starts_with("docs/") || (path.ends_with(".md") && !path.contains('/'))
}

/// Fails when something is in one set only.
fn same(what: [&str; 2], sets: [&Selected; 2]) -> Result<(), String> {
    let only = |a: usize, b: usize| -> Result<(), String> {
        let only: Vec<String> = sets[a].difference(sets[b]).map(|it| format!("{} {}", it.0, it.1)).collect();
        if only.is_empty() { Ok(()) } else { Err(format!("only {}: {}", what[a], only.join(", "))) }
    };
    only(0, 1)?;
    only(1, 0)
}

fn contained(inner: &Selected, outer: &Selected) -> Result<(), String> {
    let missing: Vec<String> = inner.difference(outer).map(|it| format!("{} {}", it.0, it.1)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("not selected: {}", missing.join(", "))) }
}

#[test]
fn what_is_unrelated_unselects_nothing() {
    check("unrelated", UNRELATED, |case| {
        let mut story = case.story();
        let before = selected(&story.a, &story.b);
        if case.number % 2 == 0 {
            story.b.insert("docs/unrelated.md".to_owned(), (Mode::File, b"new".to_vec()));
        } else {
            story.middle.add(&ProjectSeed::unconnected());
            story.b = render::files(&story.middle);
        }
        contained(&before, &selected(&story.a, &story.b))
    });
}

#[test]
fn two_steps_select_what_one_does() {
    check("steps", STEPS, |case| {
        let Story { a, b, c, .. } = case.story();
        let whole = drive::affected(&a, &c, None);
        let between = Revision::new(&b);
        if whole.everything.is_some() && model::knows_what_is_unknown(&Revision::new(&a), &between, &Revision::new(&c))
        {
            // Somebody's in the middle alone: in two steps its owner comes and goes, in one step nobody knows the path.
            return Ok(());
        }
        let mut steps = selected(&a, &b);
        steps.extend(selected(&b, &c));
        contained(&drive::selected(&whole), &steps)
    });
}

#[test]
fn what_says_nothing_selects_nothing() {
    check("same", SAME, |case| {
        let mut repo = case.repo.clone();
        let base = render::files(&repo);
        if case.number % 2 == 1 {
            // Addresses, times, sizes, how often uv rewrote it, the order of packages: the same lock in other words.
            repo.rewrite_locks();
        }
        same(["without a change", "expected"], [&selected(&base, &render::files(&repo)), &Selected::new()])
    });
}

#[test]
fn a_change_and_its_reverse_select_the_same() {
    check("back", BACK, |case| {
        let Story { a, b, .. } = case.story();
        let both: BTreeSet<String> = {
            let (old, new) = (Revision::new(&a), Revision::new(&b));
            old.projects.keys().filter(|it| new.projects.contains_key(*it)).cloned().collect()
        };
        let on_both = |it: Selected| it.into_iter().filter(|it| both.contains(&it.0)).collect::<Selected>();
        same(["there", "back"], [&on_both(selected(&a, &b)), &on_both(selected(&b, &a))])
    });
}

#[test]
fn a_renamed_directory_selects_the_project_and_its_dependants() {
    check("renamed", RENAMED, |case| {
        let mut repo = case.repo.clone();
        let Some(index) = case.first[0].project(&repo) else { return Ok(()) };
        let dependants = repo.dependants(index);
        let base = render::files(&repo);
        match repo.projects[index].place {
            Place::Head(at) => repo.workspaces[at].renamed = 1,
            _ => repo.projects[index].renamed = 1,
        }
        let found: BTreeSet<String> = selected(&base, &render::files(&repo)).into_iter().map(|it| it.0).collect();
        let missing: Vec<usize> =
            dependants.into_iter().filter(|it| !found.contains(&repo.projects[*it].name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("p{index} was renamed, not selected: {missing:?}")) }
    });
}

#[test]
fn the_order_of_files_changes_nothing() {
    check("order", ORDER, |case| {
        let Story { a, b, .. } = case.story();
        let (usual, other) = (drive::json(&a, &b, None), drive::json(&a, &b, Some(case.number)));
        if usual == other { Ok(()) } else { Err(format!("{usual}\nbecomes\n{other}")) }
    });
}

#[test]
fn the_model_selects_the_same() {
    check("model", MODEL, |case| {
        let Story { a, b, .. } = case.story();
        let affected = drive::affected(&a, &b, None);
        let (everything, expected) = model::selected(&Revision::new(&a), &Revision::new(&b), no_input);
        if everything != affected.everything.is_some() {
            return Err(format!("everything: xtask says {:?}, the model {everything}", affected.everything));
        }
        same(["by xtask", "by the model"], [&drive::selected(&affected), &expected])
    });
}

#[test]
fn the_short_way_selects_what_the_lists_do() {
    check("lists", LISTS, |case| {
        let Story { a, b, .. } = case.story();
        let affected = drive::affected(&a, &b, None);
        let lists = drive::by_lists(&a, &b);
        if affected.everything.is_some() {
            return contained(&lists, &drive::selected(&affected));
        }
        same(["by the short way", "by the lists"], [&drive::selected(&affected), &lists])
    });
}

#[test]
fn there_are_enough_cases_of_every_kind() {
    const { assert!(UNRELATED + STEPS + SAME + BACK + RENAMED + ORDER + MODEL + LISTS >= 10_000) };
    // Each kind of change must be able to do something, or the properties say nothing about it.
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for _ in 0..1500 {
        let (mut repo, edit) = (repos::repo(), edits::edit())
            .new_tree(&mut runner)
            .map(|it| proptest::strategy::ValueTree::current(&it))
            .expect("a case");
        let before = render::files(&repo);
        if edit.apply(&mut repo).is_some() && render::files(&repo) != before {
            seen.insert(edit.kind());
        }
    }
    let all: BTreeSet<String> = edits::KINDS.iter().map(|it: &(u32, Kind)| format!("{:?}", it.1)).collect();
    assert_eq!(seen, all);
}
