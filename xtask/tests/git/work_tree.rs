//! The work tree, held against what `git add -A && git commit` makes of it.

use xtask::tree::Mode;

use super::place::{Place, at, mode, paths, pretty_assert};

#[test]
fn a_clean_work_tree_is_the_commit() {
    let place = Place::new();
    assert!(place.open().work_tree().expect("a tree").is_empty(), "before the first commit");
    place.write("a", "1");
    place.write(".gitignore", "ignored\n");
    place.write("ignored", "1");
    let tree = place.assert_work_tree_is_what_a_commit_would_hold();
    assert_eq!(paths(&tree), [".gitignore", "a"]);
    // Touched, but the same.
    place.write("a", "1");
    pretty_assert(&place.open().work_tree().expect("a tree"), &tree);
}

#[test]
fn everything_that_can_happen_to_a_file() {
    let place = Place::new();
    for path in
        ["kept", "changed", "staged", "both", "deleted", "removed", "Case", "to-dir", "to-link", "mode", "dir/x"]
    {
        place.write(path, path);
    }
    place.write("moved/deep/x", "moved");
    place.link("kept", "link");
    place.link("kept", "link-to-file");
    place.commit("base");
    place.write("changed", "changed again");
    place.write("staged", "staged again");
    place.write("both", "staged");
    place.git(&["add", "staged", "both"]);
    place.write("both", "and changed");
    place.remove("deleted");
    place.git(&["rm", "-q", "--cached", "removed"]);
    place.git(&["mv", "Case", "case"]);
    place.remove("to-dir");
    place.write("to-dir/inner/x", "a file became a directory");
    place.link("kept", "to-link");
    place.chmod("mode", 0o755);
    place.link("changed", "link");
    place.remove("link-to-file");
    place.write("link-to-file", "kept");
    place.remove("dir");
    place.write("dir", "a directory became a file");
    place.write("intended", "to be added");
    place.git(&["add", "-N", "intended"]);
    place.write("new", "");
    place.chmod("new", 0o755);
    place.link("nowhere/at/all", "dangling");
    // Below this link git still sees the files that were there.
    std::fs::rename(place.path("moved"), place.path("elsewhere")).expect("moved");
    place.link("elsewhere", "moved");
    let tree = place.assert_work_tree_is_what_a_commit_would_hold();
    let expected = [
        "both",
        "case",
        "changed",
        "dangling",
        "dir",
        "elsewhere/deep/x",
        "intended",
        "kept",
        "link",
        "link-to-file",
        "mode",
        "moved",
        "new",
        "removed",
        "staged",
        "to-dir/inner/x",
        "to-link",
    ];
    assert_eq!(paths(&tree), expected);
    assert_eq!(
        [mode(&tree, "to-link"), mode(&tree, "moved"), mode(&tree, "new")],
        [Mode::Link, Mode::Link, Mode::Executable]
    );
}

#[test]
fn names_that_are_hard_to_say() {
    let place = Place::new();
    let names: &[&[u8]] = &[
        b"new\nline",
        b"\"quoted\"",
        b"\"",
        b" lead",
        b"trail ",
        b"cr\r",
        b"tab\t",
        b"back\\slash",
        b"\xff\xfe",
        b"dir\xff/x",
        "ü/ß".as_bytes(),
        b"-n",
        b"--stdin",
        b":(top)x",
        b"*",
        b"[a]",
        b"a\\xff",
        b"a\xff",
        b"\x01",
    ];
    for name in names {
        place.write(name, "tracked");
    }
    place.commit("base");
    for name in names {
        place.write(name, [b"changed ", *name].concat());
        place.write([name, &b".new"[..]].concat(), [b"new ", *name].concat());
    }
    std::os::unix::fs::symlink("target\nwith a line", place.path(b"link\n\xff")).expect("a link");
    let tree = place.assert_work_tree_is_what_a_commit_would_hold();
    assert_eq!(tree.len(), names.len() * 2 + 1);
}

#[test]
fn filters_make_the_id_that_a_commit_would_have() {
    let place = Place::new();
    place.write(".gitattributes", "*.txt text eol=crlf\n*.bin -text\n*.up filter=up\nsub/*.x ident\n");
    place.git(&["config", "filter.up.clean", "tr a-z A-Z"]);
    place.write("a.txt", "one\r\ntwo\r\n");
    place.write("b.bin", "one\r\n");
    place.write("c.up", "text");
    place.write("sub/d.x", "$Id$\n");
    let first = place.assert_work_tree_is_what_a_commit_would_hold();
    place.write("a.txt", "one\r\ntwo\r\nthree\r\n");
    place.write("b.bin", "one\r\ntwo\r\n");
    place.write("c.up", "other");
    place.write("sub/d.x", "$Id: 123 $\nmore\n");
    place.assert_work_tree_is_what_a_commit_would_hold();
    // Only the line ends differ: no change at all.
    place.write("a.txt", "one\ntwo\nthree\n");
    let now = place.open().work_tree().expect("a tree");
    pretty_assert(&now, &place.open().tree("HEAD").expect("a tree"));
    assert_ne!(at(&now, "a.txt"), at(&first, "a.txt"));
}

#[test]
fn a_sparse_checkout_has_what_it_leaves_out_as_the_index_says() {
    for flags in [&["--cone"][..], &["--cone", "--sparse-index"]] {
        let place = Place::new();
        for path in ["a/in", "a/deep/in", "b/out", "b/deep/out", "top"] {
            place.write(path, path);
        }
        place.commit("base");
        let base = place.open().tree("HEAD").expect("a tree");
        place.git(&[&["sparse-checkout", "set"], flags, &["a"]].concat());
        assert!(!place.path("b").exists());
        pretty_assert(&place.open().work_tree().expect("a tree"), &base);
        place.write("a/in", "changed");
        place.write("b/new", "untracked, outside of what is checked out");
        let changed = xtask::tree::changes(&base, &place.open().work_tree().expect("a tree"));
        assert_eq!(changed.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["a/in", "b/new"], "{flags:?}");
    }
}

#[test]
fn a_change_that_leaves_size_and_time_as_they_were() {
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    let age = |place: &Place| std::fs::File::open(place.path("a")).and_then(|it| it.set_modified(old)).expect("a time");
    for (name, value) in [("core.trustctime", "true"), ("core.trustctime", "false"), ("core.checkStat", "minimal")] {
        let place = Place::new();
        place.git(&["config", name, value]);
        place.write("a", "one");
        age(&place);
        place.commit("base");
        // Without this the second of both changes would be the same, and git looks at whole seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        place.write("a", "two");
        age(&place);
        let (git, hidden) = (place.open(), place.git(&["status", "--short"]).is_empty());
        assert_eq!(hidden, value != "true", "{name}={value}: what git itself says");
        assert_ne!(at(&git.work_tree().expect("a tree"), "a"), at(&git.tree("HEAD").expect("a tree"), "a"), "{name}");
    }
}

#[test]
fn names_that_differ_by_case_alone() {
    let place = Place::new();
    place.git(&["config", "core.ignoreCase", "true"]);
    place.step("README.md", "1");
    place.write("readme.MD", "another file on this disk");
    assert_eq!(paths(&place.open().work_tree().expect("a tree")), ["README.md", "readme.MD"]);
    assert_eq!(xtask::files::list(&place.root).expect("a list"), ["README.md", "readme.MD"]);
}

#[test]
fn a_disk_without_modes_or_links() {
    let place = Place::new();
    place.write("run", "1");
    place.chmod("run", 0o755);
    place.write("plain", "1");
    place.link("run", "link");
    place.link("run", "link-changed");
    place.commit("base");
    place.git(&["config", "core.fileMode", "false"]);
    place.git(&["config", "core.symlinks", "false"]);
    for (link, target) in [("link", "run"), ("link-changed", "plain")] {
        place.remove(link);
        place.write(link, target);
    }
    place.write("run", "2");
    place.chmod("run", 0o644);
    place.chmod("plain", 0o755);
    place.write("new", "1");
    place.chmod("new", 0o755);
    let tree = place.assert_work_tree_is_what_a_commit_would_hold();
    assert_eq!(
        [mode(&tree, "run"), mode(&tree, "new"), mode(&tree, "link-changed")],
        [Mode::Executable, Mode::File, Mode::Link]
    );
}

#[test]
fn a_linked_work_tree() {
    let place = Place::new();
    place.step("a", "1");
    let linked = place.outside("linked");
    place.git(&["worktree", "add", "-q", "-b", "topic", linked.as_str()]);
    std::fs::write(linked.join("a"), "changed").expect("written");
    let git = place.open_at(&linked, &[]);
    let tree = git.work_tree().expect("a tree");
    assert_ne!(tree, git.tree("HEAD").expect("a tree"));
    assert_eq!(git.current_branch().expect("an answer").as_deref(), Some("refs/heads/topic"));
    pretty_assert(&place.open().work_tree().expect("a tree"), &place.open().tree("main").expect("a tree"));
}

#[test]
fn submodules() {
    let place = Place::new();
    place.step("a", "1");
    let library = place.clone("library", &[]);
    let url = format!("file://{library}");
    place.git(&["submodule", "--quiet", "add", &url, "libs/it"]);
    place.git(&["submodule", "--quiet", "add", &url, "libs/absent"]);
    place.commit("base");
    place.git(&["submodule", "--quiet", "deinit", "-f", "libs/absent"]);
    place.git(&["config", "submodule.libs/it.ignore", "all"]);
    let (git, sub) = (place.open(), place.root.join("libs/it"));
    let base = git.tree("HEAD").expect("a tree");
    assert_eq!(mode(&base, "libs/it"), Mode::Submodule);
    pretty_assert(&git.work_tree().expect("a tree"), &base);
    // A file that is not tracked there is a change of its own.
    std::fs::write(sub.join("new"), "1").expect("written");
    let dirty = at(&git.work_tree().expect("a tree"), "libs/it");
    assert_ne!(dirty, at(&base, "libs/it"));
    std::fs::write(sub.join("new"), "2").expect("written");
    assert_ne!(at(&git.work_tree().expect("a tree"), "libs/it"), dirty, "another change is another id");
    place.git_in(&sub, &["add", "-A"]);
    place.git_in(&sub, &["commit", "-q", "-m", "of its own"]);
    let moved = at(&git.work_tree().expect("a tree"), "libs/it");
    assert_eq!(moved.id.to_hex(), place.git_in(&sub, &["rev-parse", "HEAD"]));
    // The submodule seen from within is a repository like any other.
    assert_eq!(paths(&place.open_at(&sub, &[]).work_tree().expect("a tree")), ["a", "new"]);
    let head = place.commit("head");
    let found = git.changes("HEAD~1", &head).expect("changes");
    assert_eq!(found.len(), 1, "`ignore = all` hides nothing: {found:?}");
    place.remove("libs");
    assert_eq!(paths(&git.work_tree().expect("a tree")), [".gitmodules", "a"]);
}

#[test]
fn a_repository_within_counts_by_its_files() {
    let place = Place::new();
    place.step("a", "1");
    place.write("inner/x.py", "1");
    place.write("inner/dir/y.py", "1");
    place.write("inner/.gitignore", "ignored\n");
    place.write("inner/ignored", "1");
    place.git_in(&place.root.join("inner"), &["init", "-q"]);
    place.git_in(&place.root.join("inner"), &["add", "x.py"]);
    // One that is no repository any more but still looks like one.
    place.write("damaged/.git/HEAD", "ref: refs/heads/main\n");
    std::fs::create_dir_all(place.path("damaged/.git/objects")).expect("a directory");
    std::fs::create_dir_all(place.path("damaged/.git/refs")).expect("a directory");
    place.write("damaged/.git/config", "[core]\nrepositoryformatversion = 99\n");
    place.write("damaged/z.py", "1");
    let git = place.open();
    let tree = git.work_tree().expect("a tree");
    assert_eq!(paths(&tree), ["a", "damaged/z.py", "inner/.gitignore", "inner/dir/y.py", "inner/x.py"]);
    place.write("inner/dir/y.py", "2");
    assert_ne!(at(&git.work_tree().expect("a tree"), "inner/dir/y.py"), at(&tree, "inner/dir/y.py"));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let place = Place::new();
    place.step("a", "1");
    place.write(".gitattributes", "* filter=broken\n");
    place.git(&["config", "filter.broken.clean", "false"]);
    place.git(&["config", "filter.broken.required", "true"]);
    // Of another length, so that git knows without the filter that it has changed.
    place.write("a", "longer");
    let error = format!("{:#}", place.open().work_tree().expect_err("the filter fails"));
    assert!(error.contains("hash-object") && error.contains("broken"), "{error}");
}
