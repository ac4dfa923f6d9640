//! The index in all its forms, and what git says is ignored, held against what a commit of everything would hold.

use super::place::{Place, paths, pretty_assert};

#[test]
fn whatever_form_the_index_has() {
    for (name, value) in [
        ("feature.manyFiles", "true"),
        ("index.version", "4"),
        ("core.splitIndex", "true"),
        ("core.untrackedCache", "true"),
        ("core.fsmonitor", "/bin/true"),
        ("core.ignoreStat", "true"),
        ("core.preloadIndex", "false"),
        ("core.bigFileThreshold", "1"),
        ("core.autocrlf", "true"),
        ("status.showUntrackedFiles", "no"),
    ] {
        let place = Place::new();
        place.git(&["config", name, value]);
        for path in ["kept", "changed", "gone", "dir/kept", "dir/gone"] {
            place.write(path, "one\n");
        }
        place.commit("base");
        // So that git notes whatever this setting lets it note.
        place.git(&["status"]);
        place.write("new", "1");
        place.write("dir/new", "1");
        place.git(&["status"]);
        place.write("changed", "two\n");
        place.write("dir/newer", "1");
        place.remove("gone");
        place.remove("dir/gone");
        let tree = place.open().work_tree().expect("a tree");
        assert_eq!(paths(&tree), ["changed", "dir/kept", "dir/new", "dir/newer", "kept", "new"], "{name}={value}");
        let changed = xtask::tree::changes(&place.open().tree("HEAD").expect("a tree"), &tree);
        assert_eq!(changed.len(), 6, "{name}={value}: {changed:?}");
    }
}

#[test]
fn marks_in_the_index() {
    let place = Place::new();
    for path in ["assumed", "assumed-same", "assumed-gone", "skipped", "skipped-gone"] {
        place.write(path, "1");
    }
    place.commit("base");
    let git = place.open();
    let base = git.tree("HEAD").expect("a tree");
    place.git(&["update-index", "--assume-unchanged", "assumed", "assumed-same", "assumed-gone"]);
    place.git(&["update-index", "--skip-worktree", "skipped", "skipped-gone"]);
    for path in ["assumed", "skipped"] {
        place.write(path, "2");
    }
    place.remove("assumed-gone");
    place.remove("skipped-gone");
    let tree = git.work_tree().expect("a tree");
    assert_eq!(paths(&tree), ["assumed", "assumed-same", "skipped", "skipped-gone"]);
    let changed: Vec<_> = xtask::tree::changes(&base, &tree).into_iter().map(|it| it.path).collect();
    // What is on the disk is what a stage reads, whatever the mark says.
    assert_eq!(changed, ["assumed", "assumed-gone", "skipped"]);
}

#[test]
fn an_index_that_is_written_meanwhile() {
    let place = Place::new();
    place.step("a", "1");
    place.write("a", "2");
    let git = place.open();
    let head = git.tree("HEAD").expect("a tree");
    let disk = git.disk().expect("the disk");
    // What was compared with another index than the one that the disk was read with says nothing.
    place.git(&["add", "a"]);
    let cached = git.cached("HEAD").expect("differences");
    assert_eq!(cached.len(), 1);
    pretty_assert(&git.beside(&disk, "HEAD", &cached).expect("a tree"), &head);
    pretty_assert(&git.beside(&git.disk().expect("the disk"), "HEAD", &cached).expect("a tree"), &head);
    // Whoever writes it all the time is asked to end.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (root, index) = (&place.root, place.root.join(".git/index"));
            let bytes = std::fs::read(&index).expect("an index");
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::fs::write(root.join(".git/new"), &bytes).expect("written");
                std::fs::rename(root.join(".git/new"), &index).expect("moved");
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        // The writer may be kept waiting by what else this machine does.
        let error = (0..500).find_map(|_| git.disk().err().map(|it| it.to_string()));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let error = error.expect("the index changes");
        assert!(error.contains("is written again and again"), "{error}");
    });
}

#[test]
fn in_the_middle_of_a_merge() {
    let place = Place::new();
    place.write("both", "base");
    place.write("ours-gone", "base");
    place.commit("base");
    place.git(&["checkout", "-q", "-b", "other"]);
    place.write("both", "theirs");
    place.write("ours-gone", "theirs");
    place.write("added", "theirs");
    place.commit("theirs");
    place.git(&["checkout", "-q", "main"]);
    place.write("both", "ours");
    place.write("added", "ours");
    place.remove("ours-gone");
    place.commit("ours");
    place.git_fails(&["merge", "-q", "other"]);
    place.remove("added");
    let tree = place.assert_work_tree_is_what_a_commit_would_hold();
    assert_eq!(paths(&tree), ["both", "ours-gone"]);
}

#[test]
fn what_is_ignored_is_for_git_to_say() {
    for many in [false, true] {
        let place = Place::new();
        place.write(".gitignore", "*.log\n!kept.log\nbuild/\n/top\n!/top/not\ndeep/**/gone\nnegated*\n!negated-not\n");
        place.write("sub/.gitignore", "!again.log\nlocal\n*.tmp\n");
        place.write("other/.gitignore", "*\n!.gitignore\n!seen\n");
        place.write(".git/info/exclude", "private\n");
        place.write(".git/elsewhere", "everywhere\n");
        place.git(&["config", "core.excludesFile", ".git/elsewhere"]);
        for path in ["build/tracked", "sub/tracked", "deep/a/b/tracked", "other/tracked", "top/tracked", "negated/in"] {
            place.write(path, "tracked, ignored or not");
        }
        place.git(&["add", "-f", "."]);
        place.git(&["commit", "-q", "-m", "base"]);
        let names = "a.log kept.log sub/a.log sub/again.log sub/local sub/new/local sub/new/x.tmp sub/new/y build/new top/new \
                     top/not deep/a/gone deep/a/b/gone deep/new other/new other/seen other/dir/seen private everywhere \
                     sub/everywhere/x negated-not negated-too fresh/dir/x fresh/dir/a.log fresh/.gitignore empty/.gitignore";
        for name in names.split_whitespace() {
            place.write(name, "new");
        }
        place.write("fresh/.gitignore", "x\n");
        std::fs::create_dir_all(place.path("hollow/dir")).expect("a directory");
        for number in 0..if many { 150 } else { 0 } {
            place.write(format!("sub/{number}.py"), "new");
            place.write(format!("sub/{number}.tmp"), "ignored");
        }
        let below = place.open_at(&place.root.join("sub"), &[]).work_tree().expect("a tree");
        let tree = place.assert_work_tree_is_what_a_commit_would_hold();
        let in_sub: Vec<&str> = paths(&tree).into_iter().filter_map(|it| it.strip_prefix("sub/")).collect();
        assert_eq!(paths(&below), in_sub);
        let new: Vec<&str> =
            paths(&tree).into_iter().filter(|it| !it.ends_with("tracked") && !it.ends_with(".py")).collect();
        let expected = ".gitignore deep/new empty/.gitignore fresh/.gitignore kept.log negated-not negated/in other/.gitignore \
                        other/seen sub/.gitignore sub/again.log sub/new/y";
        assert_eq!(new, expected.split_whitespace().collect::<Vec<_>>());
    }
}
