//! Changes that were thought of: those that docs and issues promise, and those that were once wrong.
//!
//! Each says the whole selection, so that too much is as wrong as too little.

use std::collections::BTreeMap;

use xtask::tree::Mode;

use super::drive;
use super::render;
use super::repos::{Need, ProjectSeed, Repo, Scope, State};

const OWN: &str = "ruff radon type-check pytest bandit semgrep build pages";

/// A library p0, a service p1 that needs it and ships as an image, and p2, which needs nobody.
fn repo() -> Repo {
    let mut repo = Repo::default();
    (0..3).for_each(|_| repo.add(&ProjectSeed::unconnected()));
    repo.projects[1].image = true;
    repo.projects[2].packages = vec![(3, Scope::Group)];
    needs(&mut repo, 1, 0, Scope::Run);
    repo
}

fn needs(repo: &mut Repo, from: usize, to: usize, scope: Scope) {
    let need = Need { to, scope, extra: false, in_manifest: true, in_lock: true };
    repo.projects[from].needs.push(need);
}

fn write(repo: &mut Repo, project: usize, path: &str) {
    repo.projects[project].files.insert(path.to_owned(), (Mode::File, "new".to_owned()));
}

/// What a change selects: `everything`, or for each project its stages.
fn selects(repo: &Repo, change: impl Fn(&mut Repo)) -> BTreeMap<String, String> {
    let mut changed = repo.clone();
    change(&mut changed);
    let affected = drive::affected(&render::files(repo), &render::files(&changed), None);
    if affected.everything.is_some() {
        return BTreeMap::from([("everything".to_owned(), String::new())]);
    }
    let names = |it: &Vec<(&'static xtask::stages::Stage, _)>| it.iter().map(|it| it.0.name).collect::<Vec<_>>();
    affected.projects.iter().map(|(name, stages)| (name.clone(), names(stages).join(" "))).collect()
}

fn expected(selection: &[(&str, &str)]) -> BTreeMap<String, String> {
    selection.iter().map(|(name, stages)| ((*name).to_owned(), (*stages).to_owned())).collect()
}

#[test]
fn a_test_is_nothing_to_dependants() {
    assert_eq!(selects(&repo(), |it| write(it, 0, "tests/test_a.py")), expected(&[("p0", OWN)]));
}

#[test]
fn a_readme_is_for_those_who_ship_it() {
    assert_eq!(selects(&repo(), |it| write(it, 0, "README.md")), expected(&[("p0", "build pages")]));
    let image = "docker-build sbom vulnerabilities build pages";
    assert_eq!(selects(&repo(), |it| write(it, 1, "README.md")), expected(&[("p1", image)]));
}

#[test]
fn code_is_for_dependants_too() {
    let dependant = "docker-build type-check pytest sbom vulnerabilities build pages";
    let own = "ruff radon type-check pytest bandit semgrep vulnerabilities build pages";
    assert_eq!(selects(&repo(), |it| write(it, 0, "src/p0.py")), expected(&[("p0", own), ("p1", dependant)]));
    let data = "pytest build pages";
    assert_eq!(selects(&repo(), |it| write(it, 0, "Makefile")), expected(&[("p0", data), ("p1", dependant)]));
}

#[test]
fn a_development_tool_is_for_those_who_have_it() {
    let bump = |third: usize| {
        move |it: &mut Repo| {
            let homes: Vec<_> = (0..3).map(|project| it.home(project)).collect();
            for home in homes {
                it.locks.entry(home).or_default().bumps.insert(third, 1);
            }
        }
    };
    assert_eq!(selects(&repo(), bump(3)), expected(&[("p2", "lock type-check pytest pages")]));
    // Nobody reaches it.
    assert_eq!(selects(&repo(), bump(0)), expected(&[]));
}

#[test]
fn a_lock_that_goes_is_for_all_its_users() {
    let gone = |it: &mut Repo| it.locks.entry(it.home(2)).or_default().state = State::Gone;
    let stages = "lock type-check pytest license-check sbom vulnerabilities build pages";
    assert_eq!(selects(&repo(), gone), expected(&[("p2", stages)]));
}

#[test]
fn a_policy_is_for_its_stage() {
    let policy = |name: &'static str| move |it: &mut Repo| it.ci.files.extend([(name, 1)]);
    let all = |stages: &'static str| expected(&[("p0", stages), ("p1", stages), ("p2", stages)]);
    assert_eq!(selects(&repo(), policy("ruff.toml")), all("ruff"));
    assert_eq!(selects(&repo(), policy("ty.toml")), all("type-check"));
    assert_eq!(
        selects(&repo(), policy("project.Dockerfile")),
        expected(&[("p1", "docker-build sbom vulnerabilities")])
    );
}

#[test]
fn a_waiver_is_for_its_stage_and_projects() {
    let stage = |name: &str| xtask::stages::position(name);
    let waiver = |name: &'static str, glob: usize| move |it: &mut Repo| it.ci.waivers.push((stage(name), glob));
    // Globs: everyone, p0, p1 and p2.
    assert_eq!(selects(&repo(), waiver("pytest", 1)), expected(&[("p0", "pytest")]));
    assert_eq!(selects(&repo(), waiver("bandit", 2)), expected(&[("p1", "bandit"), ("p2", "bandit")]));
    assert_eq!(selects(&repo(), waiver("docker-build", 0)), expected(&[("p1", "docker-build")]));
}

#[test]
fn what_nobody_knows_is_for_everyone() {
    let file = |path: &'static str| {
        move |it: &mut Repo| drop(it.files.insert(path.to_owned(), (Mode::File, "new".to_owned())))
    };
    assert_eq!(selects(&repo(), file("docs/a.md")), expected(&[]));
    assert_eq!(selects(&repo(), file("unknown.txt")), expected(&[("everything", "")]));
    // Below a directory that the same change makes no project, too.
    let excluded = |it: &mut Repo| {
        it.ci.exclude = Some(2);
        write(it, 2, "src/new.py");
    };
    assert_eq!(selects(&repo(), excluded), expected(&[("everything", "")]));
}

#[test]
fn a_project_that_is_none_any_more_is_plain_files_to_dependants() {
    let manifest = "docker-build lock type-check pytest license-check sbom vulnerabilities build pages";
    assert_eq!(selects(&repo(), |it| it.ci.exclude = Some(0)), expected(&[("p1", manifest)]));
}

#[test]
fn in_a_circle_each_difference_reaches_everyone() {
    let mut repo = repo();
    needs(&mut repo, 0, 1, Scope::Run);
    needs(&mut repo, 1, 2, Scope::Run);
    let both = |it: &mut Repo| {
        drop(it.projects[0].files.remove("README.md"));
        write(it, 2, "src/p2.py");
    };
    // p0 needs p1, which needs p0 and p2: what p0 has lost is nearer to p1, and yet p0 has to see the new p2.
    let found = selects(&repo, both);
    assert_eq!(found["p0"], "type-check pytest vulnerabilities build pages");
}

#[test]
fn an_extra_counts_for_those_who_ask_for_it() {
    // The library can bring p2 along.
    let mut repo = repo();
    needs(&mut repo, 0, 2, Scope::Extra);
    let names = |repo: &Repo| selects(repo, |it| write(it, 2, "src/new.py")).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&repo), ["p0", "p2"]);
    repo.projects[1].needs[0].extra = true;
    assert_eq!(names(&repo), ["p0", "p1", "p2"]);
}
