//! The base of a run, in the checkouts that a laptop and a GitLab runner have.

use camino::{Utf8Path, Utf8PathBuf};
use xtask::base::Surroundings;
use xtask::git::{Found, find};

use super::place::Place;

fn surroundings(vars: &[(&str, &str)]) -> Surroundings {
    Surroundings::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), None)
}

fn found(place: &Place, dir: &Utf8Path, vars: &[(&str, &str)]) -> Found {
    find(Some(&place.open_at(dir, &[])), &surroundings(vars))
}

/// The base of a developer.
fn local(place: &Place, dir: &Utf8Path) -> Found {
    found(place, dir, &[])
}

/// What a runner makes of a commit: one detached commit with `depth` before it, and no branch at all.
fn runner(place: &Place, name: &str, commit: &str, depth: &str) -> Utf8PathBuf {
    let dir = place.outside(name);
    std::fs::create_dir(&dir).expect("a directory");
    place.git_in(&dir, &["init", "-q"]);
    place.git_in(&dir, &["remote", "add", "origin", &format!("file://{}", place.root)]);
    place.git(&["update-ref", &format!("refs/pipelines/{name}"), commit]);
    let refspec = format!("+refs/pipelines/{name}:refs/pipelines/{name}");
    place.git_in(&dir, &["fetch", "-q", "--no-tags", &format!("--depth={depth}"), "origin", &refspec]);
    place.git_in(&dir, &["checkout", "-q", "--detach", &format!("refs/pipelines/{name}")]);
    dir
}

/// A pipeline of GitLab for a branch.
fn pushed<'a>(branch: &'a str, before: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("GITLAB_CI", "true"),
        ("CI_DEFAULT_BRANCH", "main"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", branch),
        ("CI_COMMIT_BEFORE_SHA", before),
    ]
}

fn assert_base(found: &Found, base: &str) {
    assert_eq!(found.base.as_deref(), Some(base), "{found:?}");
}

fn assert_everything(found: &Found, because: &str) {
    assert!(found.base.is_none() && found.because.contains(because), "{found:?}");
}

#[test]
fn on_a_laptop_with_a_remote() {
    let place = Place::new();
    place.step("a", "1");
    let clone = place.clone("clone", &[]);
    let write = |name: &str| {
        std::fs::write(clone.join(name), "1").expect("written");
        place.git_in(&clone, &["add", "-A"]);
        place.git_in(&clone, &["commit", "-q", "-m", name]);
    };
    let tip = place.git(&["rev-parse", "HEAD"]);
    assert_base(&local(&place, &clone), &tip);
    write("unpushed");
    assert_base(&local(&place, &clone), &tip);
    place.git_in(&clone, &["checkout", "-q", "-b", "topic"]);
    write("more");
    assert_base(&local(&place, &clone), &tip);
    let setting = Surroundings { default_branch_setting: Some("topic".to_owned()), ..surroundings(&[]) };
    let it = find(Some(&place.open_at(&clone, &[])), &setting);
    assert_everything(&it, "the remote `origin` has no `refs/heads/topic`");
    place.git_in(&clone, &["checkout", "-q", "--orphan", "lonely"]);
    write("lonely");
    assert_everything(&local(&place, &clone), "have no commit in common");
}

#[test]
fn on_a_laptop_without_a_remote() {
    let place = Place::new();
    assert_everything(&local(&place, &place.root), "there is no commit yet");
    let first = place.step("a", "1");
    assert_everything(&local(&place, &place.root), "there is no remote");
    place.git(&["checkout", "-q", "-b", "topic"]);
    assert_base(&local(&place, &place.root), &first);
    place.step("a", "2");
    assert_base(&local(&place, &place.root), &first);
    place.git(&["branch", "-q", "-m", "main", "trunk"]);
    assert_everything(&local(&place, &place.root), "no branch main or master");
    let setting = Surroundings { default_branch_setting: Some("trunk".to_owned()), ..surroundings(&[]) };
    assert_base(&find(Some(&place.open()), &setting), &first);
    assert_everything(&find(None, &surroundings(&[])), "in no git repository");
}

#[test]
fn a_single_branch_clone_asks_the_remote() {
    let place = Place::new();
    let fork = place.step("a", "1");
    place.git(&["checkout", "-q", "-b", "topic"]);
    place.step("a", "2");
    place.git(&["checkout", "-q", "main"]);
    let clone = place.clone("single", &["--single-branch", "--branch=topic", "--depth=1"]);
    place.git_in(&clone, &["update-ref", "-d", "refs/remotes/origin/HEAD"]);
    assert_base(&local(&place, &clone), &fork);
}

#[test]
fn a_merge_request_in_a_shallow_detached_checkout() {
    let place = Place::new();
    let base = place.step("main", "1");
    place.git(&["checkout", "-q", "-b", "topic"]);
    (1..=30).for_each(|it| drop(place.step("topic", &it.to_string())));
    let topic = place.git(&["rev-parse", "HEAD"]);
    place.git(&["checkout", "-q", "main"]);
    let target = place.step("main", "2");
    let dir = runner(&place, "detached", &topic, "20");
    let mr = [("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", "merge_request_event")];
    let detached = [&mr[..], &[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base)]].concat();
    let it = found(&place, &dir, &detached);
    assert_base(&it, &base);
    let changes = place.open_at(&dir, &[]).changes(&base, "HEAD").expect("changes");
    assert_eq!(changes.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["topic"]);
    // Merged results: the target is the first parent of a merge that no branch has.
    place.git(&["checkout", "-q", "--detach", "main"]);
    place.git(&["merge", "-q", "--no-ff", "-m", "merge", "topic"]);
    let merge = place.git(&["rev-parse", "HEAD"]);
    let dir = runner(&place, "merged", &merge, "1");
    let merged = [
        &detached[..],
        &[("CI_MERGE_REQUEST_EVENT_TYPE", "merged_result"), ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &target)],
    ]
    .concat();
    assert_base(&found(&place, &dir, &merged), &target);
    // Without either id: from the name of the target branch.
    let dir = runner(&place, "named", &topic, "2");
    let named = [&mr[..], &[("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")]].concat();
    assert_base(&found(&place, &dir, &named), &base);
    // A base that the remote does not have, and a remote that does not answer.
    let lost = "7".repeat(40);
    let dir = runner(&place, "lost", &topic, "2");
    let it = found(&place, &dir, &[&mr[..], &[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &lost)]].concat());
    assert_everything(&it, "is not here and could not be fetched: `git fetch");
    place.git_in(&dir, &["remote", "set-url", "origin", "file:///nonexistent"]);
    assert_everything(&found(&place, &dir, &named), "'/nonexistent' does not appear to be a git repository");
}

#[test]
fn pushes_to_the_default_branch() {
    let place = Place::new();
    let commits: Vec<String> = (0..80).map(|it| place.step("n", &it.to_string())).collect();
    // The commit before is the last but 70: beyond what the runner has, and beyond one step of deepening.
    let dir = runner(&place, "pushed", &commits[79], "5");
    let it = found(&place, &dir, &pushed("main", &commits[9]));
    assert_base(&it, &commits[9]);
    assert_eq!(it.row, "push-default");
    let zeros = "0".repeat(40);
    assert_everything(&found(&place, &dir, &pushed("main", &zeros)), "no commit before this push");
}

#[test]
fn force_pushes() {
    let place = Place::new();
    let first = place.step("a", "1");
    let before = place.step("a", "2");
    place.git(&["reset", "-q", "--hard", &first]);
    let after = place.step("a", "3");
    // The old commit is still on the server.
    place.git(&["update-ref", "refs/keep/old", &before]);
    let dir = runner(&place, "kept", &after, "1");
    assert_everything(&found(&place, &dir, &pushed("main", &before)), "the branch was force-pushed");
    // It is gone there as well.
    let dir = runner(&place, "gone", &after, "1");
    assert_everything(&found(&place, &dir, &pushed("main", &"7".repeat(40))), "could not be fetched");
    // On another branch the commit before does not count at all.
    place.git(&["checkout", "-q", "-b", "topic"]);
    let topic = place.step("b", "1");
    let dir = runner(&place, "topic", &topic, "1");
    assert_base(&found(&place, &dir, &pushed("topic", &before)), &after);
}

#[test]
fn a_branch_that_has_merged_the_default_branch_meanwhile() {
    let place = Place::new();
    place.step("main", "1");
    place.git(&["checkout", "-q", "-b", "topic"]);
    place.step("topic", "1");
    place.git(&["checkout", "-q", "main"]);
    let merged = place.step("main", "2");
    place.git(&["checkout", "-q", "topic"]);
    place.git(&["merge", "-q", "--no-edit", "main"]);
    let head = place.step("topic", "2");
    place.git(&["checkout", "-q", "main"]);
    place.step("main", "3");
    let dir = runner(&place, "merging", &head, "1");
    assert_base(&found(&place, &dir, &pushed("topic", &"0".repeat(40))), &merged);
}
