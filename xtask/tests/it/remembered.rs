//! What plans keep for the next plan: it changes no plan, whatever happens to it.

use camino::Utf8PathBuf;

use crate::support::{Sandbox, finish};

/// Sixty small projects, each but the first in need of the one before.
fn many() -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..60_u32 {
        let mut text = format!("[project]\nname = \"p{number}\"\nversion = \"1\"\n");
        if let Some(before) = number.checked_sub(1) {
            text += &format!(
                "dependencies = [\"p{before}\"]\n[tool.uv.sources]\np{before} = {{ path = \"../p{before}\" }}\n"
            );
        }
        sandbox.write(&format!("projects/p{number}/pyproject.toml"), &text);
        sandbox.write(&format!("projects/p{number}/src/p{number}/__init__.py"), "\"\"\"Nothing.\"\"\"\n");
    }
    sandbox.commit("many");
    sandbox
}

#[test]
fn a_plan_is_the_same_with_and_without() {
    let sandbox = many();
    let cache = sandbox.root.parent().expect("a directory").join("cache");
    let plan = |dir: &str| {
        let ran = finish(sandbox.command(&["plan", "--json", "--base", "HEAD"]).env("XTASK_CACHE_DIR", dir));
        assert_eq!(ran.code, 0, "{}", ran.all());
        (ran.stdout, ran.stderr)
    };
    // A place that cannot be written, so that nothing is ever known.
    sandbox.write("../file", "");
    let never = sandbox.root.parent().expect("a directory").join("file");
    let kept = || -> Option<Utf8PathBuf> {
        let mut files = cache.join("plans").read_dir_utf8().ok()?;
        files.next().and_then(Result::ok).map(|it| it.into_path())
    };
    let same = |what: &str, warned: &str| {
        let (known, said) = plan(cache.as_str());
        let (fresh, without) = plan(never.as_str());
        assert!(known == fresh, "{what}: the plans differ");
        assert!(said.contains(warned) && said.is_empty() == warned.is_empty(), "{what}: {said}");
        assert!(without.contains("not kept for the next plan"), "{without}");
        known
    };

    let nothing = same("first", "");
    let file = kept().expect("sixty manifests are worth keeping");
    assert_eq!(same("again", ""), nothing);
    // Another name, so another content: what was known of the old one must not answer for it.
    sandbox.append("projects/p3/pyproject.toml", "[tool.hatch]\nx = 1\n");
    let changed = same("a manifest has changed", "");
    assert!(changed != nothing && changed.contains("projects/p3/pyproject.toml changed, which p4 needs"), "{changed}");
    let text = std::fs::read_to_string(&file).expect("it is kept");
    for (what, damaged) in [("cut off", &text[..text.len() / 2]), ("emptied", ""), ("no text", "\u{0}\n{}")] {
        std::fs::write(&file, damaged).expect("written");
        assert_eq!(same(what, "is damaged and was deleted"), changed);
        assert_eq!(same(what, ""), changed);
    }
    let damaged = text.replace("\"p3\"", "\"q3\"");
    assert_ne!(damaged, text);
    std::fs::write(&file, damaged).expect("written");
    assert_eq!(same("another name", "is damaged and was deleted"), changed);
}

/// A plan of the work tree with what is kept in a directory.
fn plan(sandbox: &Sandbox, cache: &str) -> (String, String) {
    let ran = finish(sandbox.command(&["plan", "--json", "--base", "HEAD"]).env("XTASK_CACHE_DIR", cache));
    assert_eq!(ran.code, 0, "{}", ran.all());
    (ran.stdout, ran.stderr)
}

/// What happens, and what the plan then names; nothing where it is as if nothing had happened.
type Case = (&'static str, &'static str, fn(&Sandbox));

const CASES: &[Case] = &[
    ("nothing", "", |_| ()),
    ("a new file", "projects/p3/src/p3/new.py", |it| it.write("projects/p3/src/p3/new.py", "")),
    ("the same, in a directory of old", "projects/p3/src/p3/new.py", |it| age(it, "projects/p3/src/p3")),
    ("it is ignored", "", |it| it.write(".git/info/exclude", "new.py\n")),
    ("it is not ignored", "projects/p3/src/p3/new.py", |it| it.write(".git/info/exclude", "")),
    ("it is gone", "", |it| it.remove("projects/p3/src/p3/new.py")),
    ("ignored, by a file that is one", "projects/p3/.gitignore", |it| {
        it.write("projects/p3/.gitignore", "new.py\n");
        it.write("projects/p3/src/p3/new.py", "");
    }),
    ("that file is gone", "projects/p3/src/p3/new.py", |it| it.remove("projects/p3/.gitignore")),
    ("no longer tracked, but there", "projects/p3/src/p3/new.py", |it| {
        it.git(&["rm", "-q", "--cached", "projects/p5/src/p5/__init__.py"]);
    }),
    ("and gone", "projects/p5/src/p5/__init__.py", |it| {
        it.remove("projects/p3/src/p3/new.py");
        it.remove("projects/p5/src/p5/__init__.py");
    }),
    ("as before", "", |it| _ = it.git(&["reset", "-q", "--hard"])),
    ("another name", "projects/p7/src/p7/A.py", |it| {
        it.git(&["mv", "projects/p7/src/p7/__init__.py", "projects/p7/src/p7/A.py"]);
    }),
    ("as before", "", |it| _ = it.git(&["reset", "-q", "--hard"])),
    ("two directories in each other's places", "projects/p8/src/p8/", swap),
    ("and back", "", swap),
    ("a file is a directory", "projects/p4/src/p4/__init__.py", |it| {
        it.remove("projects/p4/src/p4/__init__.py");
        it.write("projects/p4/src/p4/__init__.py/x", "");
    }),
    ("and a file", "", |it| {
        it.remove("projects/p4/src/p4/__init__.py");
        it.git(&["checkout", "-q", "."]);
    }),
    ("a directory is a link", "projects/p4/other/p4/__init__.py", |it| {
        it.rename("projects/p4/src", "projects/p4/other");
        std::os::unix::fs::symlink("other", it.root.join("projects/p4/src")).expect("a link");
    }),
];

/// Puts two directories in each other's places.
fn swap(sandbox: &Sandbox) {
    sandbox.rename("projects/p8/src", "aside");
    sandbox.rename("projects/p9/src", "projects/p8/src");
    sandbox.rename("aside", "projects/p9/src");
}

/// Sets the time of a directory back.
fn age(sandbox: &Sandbox, dir: &str) {
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    std::fs::File::open(sandbox.root.join(dir)).and_then(|it| it.set_modified(old)).expect("a time");
}

#[test]
fn what_happens_in_directories_that_are_remembered_is_seen() {
    let sandbox = many();
    for number in 0..60 {
        sandbox.write(&format!("projects/p{number}/src/p{number}/inner/__init__.py"), "");
    }
    sandbox.commit("more than two hundred directories");
    let around = sandbox.root.parent().expect("a directory");
    let (cache, never) = (around.join("cache"), around.join("never"));
    // Directories that have just changed are not remembered.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let (nothing, _) = plan(&sandbox, cache.as_str());
    let files = || cache.join("plans").read_dir_utf8().expect("kept").map(|it| it.expect("an entry").into_path());
    let kept = || files().find(|it| it.as_str().ends_with(".directories"));
    let is_local = xtask::git::trust(sandbox.root.as_std_path(), std::time::Duration::ZERO).is_some();
    assert_eq!(kept().is_some(), is_local, "kept just where directories show their changes");
    let inode = || kept().map(|it| std::os::unix::fs::MetadataExt::ino(&it.metadata().expect("a file")));
    let written = inode();
    for (what, named, event) in CASES {
        event(&sandbox);
        let (known, said) = plan(&sandbox, cache.as_str());
        let (fresh, _) = plan(&sandbox, never.as_str());
        std::fs::remove_dir_all(&never).expect("something was kept");
        assert_eq!(said, "", "{what}");
        assert!(known == fresh, "{what}: the plans differ:\n{known}\n{fresh}");
        assert!(known.contains(named) && (known == nothing) == named.is_empty(), "{what}: {known}");
    }
    assert_eq!(inode(), written, "few directories have changed: nothing is written anew");
    let Some(file) = kept() else { return };
    let bytes = std::fs::read(&file).expect("kept");
    let (expected, _) = plan(&sandbox, cache.as_str());
    let mut other = bytes.clone();
    other[bytes.len() / 2] ^= 1;
    for damaged in [&bytes[..bytes.len() / 2], b"", &other] {
        std::fs::write(&file, damaged).expect("written");
        let (known, said) = plan(&sandbox, cache.as_str());
        assert!(known == expected && said.contains("is damaged and was deleted"), "{said}");
    }
    // Another work tree of the repository has a file of its own; what is remembered of the first is of no use there.
    let linked = around.join("linked");
    sandbox.git(&["worktree", "add", "-q", "--detach", linked.as_str()]);
    std::fs::write(linked.join("projects/p3/src/p3/new.py"), "").expect("written");
    let mut command = sandbox.command(&["plan", "--json", "--base", "HEAD"]);
    let ran = finish(command.current_dir(&linked).env("XTASK_CACHE_DIR", cache.as_str()));
    assert!(ran.stdout.contains("projects/p3/src/p3/new.py"), "{}", ran.all());
}
