//! The plan of the work tree is the plan of the commit that is made of it, in real repositories of git.
//!
//! Fewer cases than the other properties: each writes a repository and runs git a dozen times.

use std::path::Path;
use std::process::Command;

use camino::Utf8PathBuf;
use xtask::planview;
use xtask::revisions::{self, Place, Range};
use xtask::tree::Mode;

use super::{Files, check};

const CASES: u32 = 48;

/// Makes the directory hold these files, where it held others.
fn write(root: &Path, old: &Files, new: &Files) {
    for path in old.keys().filter(|it| !new.contains_key(*it)) {
        std::fs::remove_file(root.join(path)).expect("it was there");
    }
    for (path, file) in new.iter().filter(|(path, file)| old.get(*path) != Some(file)) {
        let (mode, bytes) = file;
        let at = root.join(path);
        std::fs::create_dir_all(at.parent().expect("a file has a directory")).expect("a directory");
        // Whatever it was before, a link among it.
        let _ = std::fs::remove_file(&at);
        if *mode == Mode::Link {
            let target = std::str::from_utf8(bytes).expect("links lead to text");
            std::os::unix::fs::symlink(target, &at).expect("a link");
            continue;
        }
        std::fs::write(&at, bytes).expect("a file");
        let bits = if *mode == Mode::Executable { 0o755 } else { 0o644 };
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(bits);
        std::fs::set_permissions(&at, mode).expect("a mode");
    }
}

fn git(root: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").args(identity).args(args).current_dir(root).output().expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The plan as JSON without the names of the revisions.
fn plan(place: &Place, base: &str, head: Option<&str>) -> Result<String, String> {
    let range = Range { base: Some(base.to_owned()), head: head.map(str::to_owned) };
    let read = revisions::read(place, &range, std::collections::BTreeMap::new()).map_err(|it| format!("{it:#}"))?;
    let mut plan = read.plan(&[]).map_err(|it| format!("{it:#}"))?;
    (plan.base, plan.head, plan.because) = (None, String::new(), String::new());
    Ok(planview::json(&plan))
}

#[test]
fn the_work_tree_is_planned_as_its_commit() {
    check("committed", CASES, |case| {
        let story = case.story();
        let submodule = |files: &Files| files.values().any(|it| it.0 == Mode::Submodule);
        if submodule(&story.a) || submodule(&story.b) {
            return Ok(());
        }
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().canonicalize().expect("a real path");
        git(&root, &["init", "-q", "-b", "main"]);
        write(&root, &Files::new(), &story.a);
        git(&root, &["add", "-A"]);
        git(&root, &["commit", "-q", "-m", "base"]);
        write(&root, &story.a, &story.b);
        let root = Utf8PathBuf::from_path_buf(root).expect("UTF-8");
        let file = root.join("ci/xtask.toml");
        let place = Place { root: root.clone(), file, fixed: false };
        let before = plan(&place, "HEAD", None)?;
        git(root.as_std_path(), &["add", "-A"]);
        git(root.as_std_path(), &["commit", "-q", "--allow-empty", "-m", "head"]);
        let after = plan(&place, "HEAD~1", Some("HEAD"))?;
        if before != after {
            return Err(format!("{before}\nbecomes\n{after}"));
        }
        // Nothing is left that would be different from it.
        match plan(&place, "HEAD", None)?.contains("\"selected\": true") {
            true => Err("something differs from the commit that holds it all".to_owned()),
            false => Ok(()),
        }
    });
}
