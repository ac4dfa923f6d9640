//! Ancestors, cut-off histories and remotes.

use super::place::Place;

/// Six commits on main; `topic` has left it at the third and has two of its own.
fn forked() -> (Place, Vec<String>, Vec<String>) {
    let place = Place::new();
    let mut main: Vec<String> = (1..=3).map(|it| place.step("main", &it.to_string())).collect();
    place.git(&["checkout", "-q", "-b", "topic"]);
    let topic = (1..=2).map(|it| place.step("topic", &it.to_string())).collect();
    place.git(&["checkout", "-q", "main"]);
    main.extend((4..=6).map(|it| place.step("main", &it.to_string())));
    (place, main, topic)
}

#[test]
fn ancestors() {
    let (place, main, topic) = forked();
    let git = place.open();
    assert_eq!(git.merge_base("main", "topic").expect("an answer"), Some(main[2].clone()));
    assert!(git.is_ancestor(&main[2], "topic").expect("an answer"));
    assert!(!git.is_ancestor(&topic[0], "main").expect("an answer"));
    assert_eq!(git.depth().expect("a number"), 6);
    assert!(!git.is_shallow().expect("an answer"));
    place.git(&["checkout", "-q", "--orphan", "lonely"]);
    place.commit("lonely");
    assert_eq!(git.merge_base("main", "lonely").expect("an answer"), None);
    let error = git.merge_base("main", "nowhere").expect_err("no commit").to_string();
    assert!(error.contains("\"nowhere\" names no commit"), "{error}");
}

#[test]
fn parents_and_objects_that_somebody_has_made_up_here() {
    let (place, main, topic) = forked();
    let git = place.open();
    // As if main had come from the tip of topic, so that nothing of topic would be new.
    std::fs::create_dir_all(place.path(".git/info")).expect("a directory");
    place.write(".git/info/grafts", format!("{} {}\n", main[5], topic[1]));
    assert_eq!(place.git(&["merge-base", "main", "topic"]), topic[1], "what git itself says");
    assert_eq!(git.merge_base("main", "topic").expect("an answer"), Some(main[2].clone()));
    assert!(!git.is_ancestor("topic", "main").expect("an answer"));
    assert_eq!(git.first_parents("main", 9).expect("a line").len(), 6);
    place.remove(".git/info/grafts");
    place.git(&["replace", &main[2], &topic[1]]);
    assert_eq!(git.merge_base("main", "topic").expect("an answer"), Some(main[2].clone()));
    assert!(git.tree(&main[2]).expect("a tree").get("topic".into()).is_none());
}

#[test]
fn the_first_parents() {
    let (place, main, _) = forked();
    place.git(&["merge", "-q", "--no-ff", "-m", "Merge topic: \u{fc}, \"and\" 'more'", "topic"]);
    let merge = place.git(&["rev-parse", "HEAD"]);
    let git = place.open();
    let line = git.first_parents("HEAD", 3).expect("a line");
    let commits: Vec<&str> = line.iter().map(|it| it.commit.as_str()).collect();
    assert_eq!(commits, [merge.as_str(), &main[5], &main[4]]);
    assert_eq!(line[0].subject, "Merge topic: \u{fc}, \"and\" 'more'");
    assert_eq!(line[0].parent.as_ref(), Some(&main[5]));
    let whole = git.first_parents("HEAD", 100).expect("a line");
    assert_eq!(whole.len(), 7);
    assert_eq!(whole[6].parent, None);
    let clone = place.clone("shallow", &["--depth=2"]);
    let cut = place.open_at(&clone, &[]).first_parents("HEAD", 100).expect("a line");
    assert_eq!(cut.iter().map(|it| it.parent.is_some()).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn default_branches_and_remotes() {
    let (place, main, _) = forked();
    assert_eq!(place.open().default_branch().expect("an answer"), None, "no remote");
    let clone = place.clone("clone", &[]);
    let git = place.open_at(&clone, &[]);
    assert_eq!(git.default_branch().expect("an answer").as_deref(), Some("refs/remotes/origin/main"));
    // The remote's HEAD names a branch that is gone: the usual names come next.
    place.git_in(&clone, &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone"]);
    assert_eq!(git.default_branch().expect("an answer").as_deref(), Some("refs/remotes/origin/main"));
    place.git_in(&clone, &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/topic"]);
    assert_eq!(git.default_branch().expect("an answer").as_deref(), Some("refs/remotes/origin/topic"));
    place.git_in(&clone, &["remote", "rename", "origin", "upstream"]);
    assert_eq!(git.remote().expect("an answer").as_deref(), Some("upstream"), "the only one");
    place.git_in(&clone, &["remote", "add", "fork", "file:///nonexistent"]);
    assert_eq!(git.remote().expect("an answer"), None, "neither is the one");
    place.git_in(&clone, &["remote", "rename", "upstream", "origin"]);
    assert_eq!(git.remote_tip("refs/heads/main").expect("a tip"), main[5]);
    let error = git.remote_tip("refs/heads/nowhere").expect_err("no such branch").to_string();
    assert_eq!(error, "the remote `origin` has no `refs/heads/nowhere`");
}

#[test]
fn one_commit_is_fetched_and_nothing_else() {
    let (place, main, topic) = forked();
    let clone = place.clone("shallow", &["--depth=1"]);
    let git = place.open_at(&clone, &[]);
    assert!(git.is_shallow().expect("an answer") && !git.has(&main[0]).expect("an answer"));
    let refs = place.git_in(&clone, &["for-each-ref"]);
    git.fetch(&main[0]).expect("fetched");
    assert!(git.has(&main[0]).expect("an answer") && !git.has(&main[1]).expect("an answer"));
    assert_eq!(git.changes(&main[0], "HEAD").expect("changes").len(), 1);
    git.fetch(&topic[1]).expect("fetched");
    assert_eq!(place.git_in(&clone, &["for-each-ref"]), refs, "no ref was moved");
    assert!(!clone.join(".git/FETCH_HEAD").exists());
    let error = format!("{:#}", git.fetch(&"7".repeat(40)).expect_err("unknown there"));
    assert!(error.contains("not our ref") || error.contains("fatal"), "{error}");
    assert!(git.fetch("--upload-pack=false").is_err());
}

#[test]
fn a_complete_clone_stays_complete() {
    let (place, _, _) = forked();
    let clone = place.clone("clone", &[]);
    let late = place.step("late", "1");
    let git = place.open_at(&clone, &[]);
    git.fetch(&late).expect("fetched");
    assert!(git.has(&late).expect("an answer") && !git.is_shallow().expect("an answer"));
}

#[test]
fn a_shallow_clone_is_deepened_as_far_as_needed() {
    let place = Place::new();
    let commits: Vec<String> = (0..120).map(|it| place.step("n", &it.to_string())).collect();
    let clone = place.clone("shallow", &["--depth=2"]);
    let git = place.open_at(&clone, &[]);
    let head = git.resolve("HEAD").expect("a commit");
    let enough = git.deepen(&[&head], || git.has(&commits[100])).expect("deepened");
    assert!(enough && git.is_shallow().expect("an answer"));
    assert_eq!(git.depth().expect("a number"), 52);
    assert!(!git.deepen(&[&head], || Ok(false)).expect("an answer"));
    assert!(!git.is_shallow().expect("an answer"));
    assert_eq!(git.depth().expect("a number"), 120);
    let again = place.clone("again", &["--depth=2"]);
    std::fs::rename(&place.root, place.outside("away")).expect("moved");
    let git = place.open_at(&again, &[]);
    let error = format!("{:#}", git.deepen(&[&head], || Ok(false)).expect_err("the remote is away"));
    assert!(error.contains("fatal"), "{error}");
}
