//! The files of commits, what differs between two, and their contents.

use xtask::git::{Git, work_tree_without_git};
use xtask::tree::{Id, Mode, changes};

use super::place::{Place, at, mode, paths, pretty_assert};

#[test]
fn a_commit_has_its_files_with_modes_and_ids() {
    let place = Place::new();
    place.write("a/b c.txt", "x\n");
    place.write("run", "#!/bin/sh\n");
    place.chmod("run", 0o755);
    place.link("a/b c.txt", "link");
    let commit = place.commit("one");
    let tree = place.open().tree("HEAD").expect("a tree");
    assert_eq!(paths(&tree), ["a/b c.txt", "link", "run"]);
    assert_eq!(
        [mode(&tree, "a/b c.txt"), mode(&tree, "link"), mode(&tree, "run")],
        [Mode::File, Mode::Link, Mode::Executable]
    );
    assert_eq!(at(&tree, "run").id.to_hex(), place.git(&["rev-parse", &format!("{commit}:run")]));
    assert_eq!(at(&tree, "link").id.to_hex(), place.git(&["rev-parse", &format!("{commit}:link")]));
}

#[test]
fn changes_are_those_of_the_trees() {
    let place = Place::new();
    place.write("same", "same");
    place.write("Name.py", "case");
    place.write("moved/x", "a text that is long enough to be found again as a rename\n".repeat(20));
    place.write("gone", "gone");
    place.write("kind", "a file");
    place.write("mode", "mode");
    let base = place.commit("base");
    place.git(&["mv", "Name.py", "name.py"]);
    place.git(&["mv", "moved/x", "moved/y"]);
    place.remove("gone");
    place.link("same", "kind");
    place.chmod("mode", 0o755);
    place.write("new\nline \"quoted\"\t", "new");
    place.write(b"odd\xff\\", "odd");
    let head = place.commit("head");
    let git = place.open();
    let (old, new) = (git.tree(&base).expect("base"), git.tree(&head).expect("head"));
    let found = git.changes(&base, &head).expect("changes");
    assert_eq!(found, changes(&old, &new));
    pretty_assert(&new.patched(&found, true), &old);
    let names: Vec<&str> = found.iter().map(|it| it.path.as_str()).collect();
    let expected =
        ["Name.py", "gone", "kind", "mode", "moved/x", "moved/y", "name.py", "new\nline \"quoted\"\t", r"odd\xff\\"];
    assert_eq!(names, expected);
    assert_eq!(new.odd().map(|it| it.as_str()).collect::<Vec<_>>(), [r"odd\xff\\"]);
}

#[test]
fn the_steps_of_a_history_are_the_changes_of_its_commits() {
    let place = Place::new();
    place.step("below/a", "1");
    place.commit("nothing");
    place.step("other", "1");
    place.git(&["checkout", "-q", "-b", "side"]);
    place.step(":below", "a path that begins like a difference");
    place.step("below/b", "1");
    place.git(&["checkout", "-q", "main"]);
    place.step("below/a", "2");
    place.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    place.git(&["mv", "below/a", "below/c"]);
    place.commit("renamed");
    std::fs::create_dir_all(place.path("below")).expect("a directory");
    for git in [place.open(), place.open_at(&place.root.join("below"), &[])] {
        let line = git.first_parents("main", 100).expect("a history");
        let pairs: Vec<(&str, &str)> =
            line.iter().filter_map(|it| Some((it.commit.as_str(), it.parent.as_deref()?))).collect();
        let mut found = git.steps(&pairs).expect("differences");
        assert_eq!(pairs.len(), 5);
        for (commit, parent) in pairs {
            let expected = git.changes(parent, commit).expect("changes");
            assert_eq!(found.remove(commit).as_ref(), Some(&expected), "{commit}");
        }
        assert!(found.is_empty(), "{found:?}");
    }
    let git = place.open();
    assert!(git.steps(&[]).expect("nothing is asked").is_empty());
    let (nowhere, head) = ("1".repeat(40), place.git(&["rev-parse", "HEAD"]));
    for (commit, parent) in [(&nowhere, &head), (&head, &nowhere), (&nowhere, &nowhere)] {
        let error = git.steps(&[(commit, parent)]).expect_err("a commit is not there").to_string();
        assert!(error.contains(nowhere.as_str()) || error.contains("diff-tree"), "{error}");
    }
}

#[test]
fn a_root_below_the_top_sees_only_what_is_below_it() {
    let place = Place::new();
    // A directory that would match others if it were taken for a pattern.
    place.write("deep/[ab]*/x", "1");
    place.write("deep/[ab]*/dir/y", "1");
    place.write("deep/abc/x", "1");
    place.write("above", "1");
    let base = place.commit("base");
    place.write("deep/[ab]*/x", "2");
    place.write("deep/abc/x", "2");
    place.write("above", "2");
    let head = place.commit("head");
    let git = place.open_at(&place.root.join("deep/[ab]*"), &[]);
    let tree = git.tree(&head).expect("a tree");
    assert_eq!(paths(&tree), ["dir/y", "x"]);
    let found = git.changes(&base, &head).expect("changes");
    assert_eq!(found.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["x"]);
    pretty_assert(&git.work_tree().expect("a work tree"), &tree);
    place.write("deep/[ab]*/dir/y", "2\n");
    place.write("deep/[ab]*/new", "2\n");
    place.link("x", "deep/[ab]*/link");
    place.write("deep/new", "2\n");
    let now = git.work_tree().expect("a work tree");
    assert_eq!(paths(&now), ["dir/y", "link", "new", "x"]);
    place.commit("again");
    pretty_assert(&now, &git.tree("HEAD").expect("a tree"));
    // A commit from before the directory was there.
    let other = place.git(&["commit-tree", "-m", "empty", &place.git(&["mktree", "--missing"])]);
    assert!(git.tree(&other).expect("a tree").is_empty());
}

#[test]
fn contents_are_read_one_after_the_other() {
    let place = Place::new();
    let large: Vec<u8> = (0..3_000_000_u32).map(|it| (it % 251) as u8).collect();
    place.write("large", &large);
    place.write("empty", "");
    place.write("lines", "a\n\nb\n");
    place.link("large", "link");
    place.commit("one");
    let git = place.open();
    let tree = git.tree("HEAD").expect("a tree");
    let mut contents = git.contents().expect("a reader");
    for _ in 0..2 {
        assert_eq!(contents.read(at(&tree, "large").id).expect("content"), large);
        assert_eq!(contents.read(at(&tree, "empty").id).expect("content"), b"");
        assert_eq!(contents.read(at(&tree, "lines").id).expect("content"), b"a\n\nb\n");
        assert_eq!(contents.read(at(&tree, "link").id).expect("content"), b"large");
        let missing = Id::from_hex(&"5".repeat(40)).expect("an id");
        let error = contents.read(missing).expect_err("it is not there").to_string();
        assert!(error.contains(&"5".repeat(40)) && error.contains("git fetch"), "{error}");
        let commit = Id::from_hex(&git.resolve("HEAD").expect("a commit")).expect("an id");
        assert_eq!(
            contents.read(commit).expect_err("no file").to_string(),
            format!("{commit} is no file but a commit")
        );
    }
}

#[test]
fn a_partial_clone_fetches_contents_and_says_when_it_cannot() {
    let place = Place::new();
    place.step("a", "one");
    place.step("a", "two");
    place.step("b", "three");
    place.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = place.clone("partial", &["--filter=blob:none", "--no-checkout"]);
    let git = place.open_at(&clone, &[]);
    let tree = git.tree("HEAD").expect("trees are there");
    assert_eq!(git.changes("HEAD~2", "HEAD").expect("needs no content").len(), 2);
    assert_eq!(git.contents().expect("a reader").read(at(&tree, "a").id).expect("fetched"), b"two");
    std::fs::rename(&place.root, place.outside("away")).expect("moved");
    let mut contents = git.contents().expect("a reader");
    assert_eq!(contents.read(at(&tree, "a").id).expect("already here"), b"two");
    let error = contents.read(at(&tree, "b").id).expect_err("the remote is away").to_string();
    assert!(error.contains(&at(&tree, "b").id.to_hex()) && error.contains("fatal:"), "{error}");
    assert!(!git.has(&"7".repeat(40)).expect("an answer"));
}

#[test]
fn a_clone_without_directories_fetches_them_and_says_when_it_cannot() {
    let place = Place::new();
    place.step("a/x", "one");
    let first = place.step("b/x", "two");
    place.step("a/x", "three");
    place.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = place.clone("treeless", &["--filter=tree:0"]);
    let git = place.open_at(&clone, &[]);
    assert_eq!(git.changes("HEAD~1", "HEAD").expect("fetched").len(), 1);
    assert_eq!(paths(&git.tree("HEAD~1").expect("already here")), ["a/x", "b/x"]);
    std::fs::rename(&place.root, place.outside("away")).expect("moved");
    assert_eq!(git.changes("HEAD~1", "HEAD").expect("already here").len(), 1);
    assert_eq!(git.merge_base("HEAD", &first).expect("commits are all here"), Some(first));
    for said in [git.tree("HEAD~2").map(drop), git.changes("HEAD~2", "HEAD").map(drop)] {
        let error = format!("{:#}", said.expect_err("the remote is away"));
        assert!(error.contains("fatal: could not fetch"), "{error}");
    }
}

#[test]
fn a_sha256_repository() {
    let place = Place::bare_directory();
    place.git(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    let base = place.step("a", "1");
    place.write("a", "2");
    place.link("a", "link");
    place.assert_work_tree_is_what_a_commit_would_hold();
    let git = place.open();
    let tree = git.tree("HEAD").expect("a tree");
    assert_eq!(at(&tree, "a").id.as_bytes().len(), 32);
    assert_eq!(git.changes(&base, "HEAD").expect("changes").len(), 2);
    assert_eq!(git.contents().expect("a reader").read(at(&tree, "a").id).expect("content"), b"2");
    // Without git the ids are the same ones.
    place.remove(".git");
    pretty_assert(&work_tree_without_git(&place.root).expect("a tree"), &tree);
}

#[test]
fn without_a_repository() {
    let place = Place::bare_directory();
    place.write("p/a.py", "1");
    place.write("p/.venv/x.py", "1");
    place.chmod("p/a.py", 0o755);
    assert!(Git::open_with(&place.root, place.vars()).expect("no error").is_none());
    // What leads the caller's git elsewhere must not lead ours.
    let elsewhere = Place::new();
    elsewhere.step("other", "1");
    let vars = [("GIT_DIR".to_owned(), elsewhere.root.join(".git").to_string())];
    assert!(Git::open_with(&place.root, place.vars().into_iter().chain(vars)).expect("no error").is_none());
    let tree = work_tree_without_git(&place.root).expect("a tree");
    assert_eq!(paths(&tree), ["p/a.py"]);
    assert_eq!(mode(&tree, "p/a.py"), Mode::Executable);
    place.write("p/a.py", "2");
    assert_ne!(at(&work_tree_without_git(&place.root).expect("a tree"), "p/a.py"), at(&tree, "p/a.py"));
}

#[test]
fn a_damaged_repository_is_an_error_and_not_none() {
    let place = Place::bare_directory();
    place.write(".git", "gitdir: /nonexistent\n");
    let error = format!("{:#}", Git::open_with(&place.root, place.vars()).expect_err("damaged"));
    assert!(error.contains("not a git repository") && error.contains(place.root.as_str()), "{error}");
    let inside = Place::new();
    let error = Git::open_with(&inside.root.join(".git"), inside.vars()).expect_err("no work tree").to_string();
    assert!(error.contains("is no work tree of git but a part of its own files"), "{error}");
    for (setting, value, words) in [
        ("core.worktree", "/usr", "the work tree of {} is /usr; work there"),
        ("core.bare", "true", "{} has no work tree; `git config core.bare false` if it has"),
    ] {
        let place = Place::new();
        place.git(&["config", setting, value]);
        let error = Git::open_with(&place.root, place.vars()).expect_err("no work tree").to_string();
        assert!(error.contains(setting) && error.contains(&words.replace("{}", place.root.as_str())), "{error}");
    }
}

#[test]
fn no_setting_and_no_variable_changes_an_answer() {
    let place = Place::new();
    place.write("a", "one\n".repeat(30));
    place.write("ü", "1");
    let base = place.commit("base");
    place.git(&["mv", "a", "b"]);
    place.write("ü", "2");
    let head = place.commit("head \u{fc}");
    let quiet = place.open();
    let hostile = place.outside("hostile.cfg");
    let text = "[core]\nquotePath = true\nfsmonitor = /bin/false\npager = false\nabbrev = 5\n\
         [diff]\nrenames = copies\nnoprefix = true\nrelative = true\nexternal = false\nignoreSubmodules = all\n\
         [status]\nshowUntrackedFiles = no\nrelativePaths = false\n[color]\nui = always\n[log]\nshowSignature = true\n\
         date = relative\nfollow = true\n[format]\npretty = oneline\n[i18n]\nlogOutputEncoding = latin1\n";
    std::fs::write(&hostile, text).expect("written");
    let elsewhere = Place::new();
    elsewhere.step("other", "1");
    let dir = elsewhere.root.join(".git");
    let vars = [
        ("GIT_CONFIG_GLOBAL", hostile.as_str()),
        ("GIT_DIR", dir.as_str()),
        ("GIT_WORK_TREE", elsewhere.root.as_str()),
        ("GIT_INDEX_FILE", "/nonexistent/index"),
        ("GIT_OBJECT_DIRECTORY", "/nonexistent"),
        ("GIT_LITERAL_PATHSPECS", "0"),
        ("GIT_EXTERNAL_DIFF", "false"),
        ("GIT_PREFIX", "x/"),
        ("GIT_TRACE", "1"),
        ("LC_ALL", "de_DE.UTF-8"),
    ];
    let loud = place.open_at(&place.root, &vars);
    place.write("untracked", "1");
    pretty_assert(&loud.tree("HEAD").expect("a tree"), &quiet.tree("HEAD").expect("a tree"));
    pretty_assert(&loud.work_tree().expect("a tree"), &quiet.work_tree().expect("a tree"));
    assert!(loud.work_tree().expect("a tree").get("untracked".into()).is_some());
    assert_eq!(loud.changes(&base, &head).expect("changes"), quiet.changes(&base, &head).expect("changes"));
    assert_eq!(quiet.changes(&base, &head).expect("changes").len(), 3);
    assert_eq!(loud.first_parents("HEAD", 5).expect("a line"), quiet.first_parents("HEAD", 5).expect("a line"));
    assert_eq!(quiet.first_parents("HEAD", 1).expect("a line")[0].subject, "head \u{fc}");
}

#[test]
fn revisions_that_name_nothing() {
    let place = Place::new();
    let git = place.open();
    assert_eq!(git.head().expect("an answer"), None);
    let first = place.step("a", "1");
    assert_eq!(git.resolve("main").expect("a commit"), first);
    assert_eq!(git.resolve(&first[..8]).expect("a commit"), first);
    for odd in ["nowhere", "-q", "--all", "", "^HEAD", "HEAD..HEAD", "HEAD HEAD", "HEAD:a", "HEAD^{tree}", "a\nb", "\0"]
    {
        let error = git.resolve(odd).expect_err(odd).to_string();
        assert!(error.starts_with(&format!("{odd:?} names no commit")) && error.contains("git fetch"), "{error}");
    }
    assert!(git.tree("nowhere").is_err() && git.changes("HEAD", "nowhere").is_err());
}
