//! `doctor`: planted problems, and what it says about each, with the line or command that mends it.
//!
//! Through the real binary, git and uv. The machine's own troubles (engine, database) are whatever they are here.

use serde_json::Value;

use crate::support::{Sandbox, finish};

mod refused;
mod rules;

/// A repository in which nothing is wrong but what this machine lacks.
fn clean() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.replace("ci/xtask.toml", "exclude = [\"xtask/tests/*\"]", "exclude = []");
    sandbox.replace("ci/xtask.toml", ", \"projects/*/*\"]", "]");
    let settings = sandbox.read("ci/xtask.toml");
    let without_rules = settings.split("[[no-input]]").next().expect("a beginning");
    sandbox
        .write("ci/xtask.toml", format!("{without_rules}\n[[no-input]]\npaths = [\"docs/**\"]\nreason = \"texts\"\n"));
    sandbox.write("docs/a.md", "text\n");
    sandbox.commit("clean");
    sandbox.git(&["branch", "-q", "-m", "work"]);
    sandbox.git(&["branch", "-q", "main"]);
    sandbox
}

/// One finding: check, severity, place, what, fix.
type Found = (String, String, String, String, String);

fn findings(sandbox: &Sandbox) -> (i32, Vec<Found>) {
    let ran = sandbox.xtask(&["doctor", "--json"]);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.all()));
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for check in found["checks"].as_array().expect("checks") {
        for it in check["findings"].as_array().expect("findings") {
            let line = it["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
            let place = text(it, "file") + &line;
            all.push((text(check, "name"), text(it, "severity"), place, text(it, "what"), text(it, "fix")));
        }
    }
    // What this machine lacks is no matter of the repository.
    all.retain(|it| !["container engine", "vulnerability database", "disk"].contains(&it.0.as_str()));
    let is_serious = found["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .any(|check| check["findings"].as_array().expect("findings").iter().any(|it| it["severity"] == "serious"));
    assert_eq!(ran.code, i32::from(is_serious), "{}", ran.all());
    (ran.code, all)
}

/// What is planted, and the one finding there must be.
struct Row {
    what: &'static str,
    plant: fn(&Sandbox),
    check: &'static str,
    severity: &'static str,
    /// The file, and how the last such line in it begins; empty where there is none to name.
    place: (&'static str, &'static str),
    says: &'static str,
    fix: &'static str,
}

/// Plants all of them in one repository: each must be found once, and nothing else.
fn check(rows: &[Row]) {
    let sandbox = clean();
    rows.iter().for_each(|row| (row.plant)(&sandbox));
    let (_, found) = findings(&sandbox);
    let mut missed = Vec::new();
    for row in rows {
        let (file, begins) = row.place;
        let line = || sandbox.read(file).lines().collect::<Vec<_>>().iter().rposition(|it| it.starts_with(begins));
        let place = match begins {
            "" => file.to_owned(),
            _ => format!("{file}:{}", line().unwrap_or_else(|| panic!("{file} has no line {begins}")) + 1),
        };
        let fits = |it: &&Found| {
            (it.0.as_str(), it.1.as_str(), it.2.as_str()) == (row.check, row.severity, place.as_str())
                && it.3.contains(row.says)
                && it.4.contains(row.fix)
        };
        if found.iter().filter(fits).count() != 1 {
            missed.push(format!("{} ({place})", row.what));
        }
    }
    println!("planted problems: {} of {} reported as they must be", rows.len() - missed.len(), rows.len());
    assert!(missed.is_empty() && found.len() == rows.len(), "missed: {missed:#?}\nfound: {found:#?}");
}

const SERIOUS: &str = "serious";
const WARNING: &str = "warning";
const NOTE: &str = "note";
const GAMMA: &str = "projects/gamma/pyproject.toml";

#[test]
fn a_clean_repository_has_no_findings() {
    let sandbox = clean();
    let before = sandbox.git(&["status", "--porcelain", "--ignored"]);
    let (code, found) = findings(&sandbox);
    assert_eq!((code, found), (0, Vec::new()));
    // It looks and changes nothing.
    let after = sandbox.git(&["status", "--porcelain", "--ignored"]).replace("!! target/\n", "");
    assert_eq!(before.replace("!! target/\n", ""), after);
    let ran = sandbox.xtask(&["doctor"]);
    for check in ["git", "default branch", "projects", "needs", "locks", "rules", "exceptions", "tools"] {
        assert!(ran.stdout.lines().any(|it| it.starts_with("ok ") && it.contains(check)), "{check}: {}", ran.all());
    }
}

#[test]
fn git_and_the_default_branch() {
    check(&[Row {
        what: "a shallow clone that has no base",
        plant: |it| {
            it.git(&["commit", "-q", "--allow-empty", "-m", "more"]);
            let shallow = it.git(&["rev-parse", "HEAD"]);
            it.git(&["branch", "-q", "-D", "main"]);
            it.git(&["remote", "add", "origin", "../nowhere"]);
            it.git(&["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
            it.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
            it.write(".git/shallow", shallow);
        },
        check: "git",
        severity: WARNING,
        place: ("", ""),
        says: "cut off before the base",
        fix: "git fetch --unshallow origin",
    }]);
    check(&[Row {
        what: "a remote whose HEAD was never fetched",
        plant: |it| {
            it.git(&["remote", "add", "origin", "../nowhere"]);
            it.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        },
        check: "default branch",
        severity: NOTE,
        place: ("", ""),
        says: "origin/main is a guess",
        fix: "git remote set-head origin --auto",
    }]);
    check(&[Row {
        what: "a remote whose HEAD names a branch that is gone",
        plant: |it| {
            it.git(&["branch", "-q", "-D", "main"]);
            it.git(&["remote", "add", "origin", "../nowhere"]);
            it.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone"]);
        },
        check: "default branch",
        severity: WARNING,
        place: ("", ""),
        says: "names a branch that is gone",
        fix: "git remote set-head origin --auto",
    }]);
    check(&[Row {
        what: "no branch to compare with",
        plant: |it| drop(it.git(&["branch", "-q", "-D", "main"])),
        check: "default branch",
        severity: WARNING,
        place: ("", ""),
        says: "every run takes everything",
        fix: "default-branch = \"NAME\"",
    }]);
    check(&[Row {
        what: "a default branch that is not there",
        plant: |it| it.write("ci/xtask.toml", format!("default-branch = \"trunk\"\n{}", it.read("ci/xtask.toml"))),
        check: "default branch",
        severity: SERIOUS,
        place: ("ci/xtask.toml", "default-branch = \"trunk"),
        says: "no branch `trunk`",
        fix: "git fetch origin trunk",
    }]);
}

#[test]
fn projects_and_their_needs() {
    check(&[
        Row {
            what: "a project under no glob",
            plant: |it| it.write("libs/core/pyproject.toml", "[project]\nname = 'core'\nversion = '1'\n"),
            check: "projects",
            severity: SERIOUS,
            place: ("ci/xtask.toml", "projects = "),
            says: "under no glob, so nothing checks it: libs/core",
            fix: "add \"libs/core\" to `projects`",
        },
        Row {
            what: "a glob that takes nothing",
            plant: |it| it.replace("ci/xtask.toml", "projects = [", "projects = [\"servces/*\", "),
            check: "projects",
            severity: NOTE,
            place: ("ci/xtask.toml", "projects = "),
            says: "`servces/*` in `projects` takes no project",
            fix: "correct it",
        },
        Row {
            what: "an exclusion that takes nothing",
            plant: |it| it.replace("ci/xtask.toml", "exclude = []", "exclude = [\"projects/old\"]"),
            check: "projects",
            severity: NOTE,
            place: ("ci/xtask.toml", "exclude = "),
            says: "`projects/old` in `exclude`",
            fix: "correct it",
        },
        Row {
            what: "a local dependency that is not there",
            plant: |it| it.replace(GAMMA, "path = \"../alpha\"", "path = \"../alfa\""),
            check: "needs",
            severity: SERIOUS,
            place: (GAMMA, "alpha = "),
            says: "`gamma` takes `alpha` from projects/alfa, where no package is",
            fix: "correct `alpha`",
        },
    ]);
    check(&[Row {
        what: "a source that nobody asks for",
        plant: |it| it.append(GAMMA, "beta = { path = \"../beta\" }\n"),
        check: "needs",
        severity: NOTE,
        place: (GAMMA, "beta = "),
        says: "asks for it nowhere",
        fix: "take `beta` out",
    }]);
}

/// A manifest and a lock that disagree: the lock is stale as well, which is said too.
#[test]
fn manifests_and_locks_that_disagree() {
    let sandbox = clean();
    sandbox.replace(GAMMA, "dependencies = [\"alpha\"]", "dependencies = [\"alpha\", \"beta\"]");
    sandbox.append(GAMMA, "beta = { path = \"../beta\" }\n");
    let (code, found) = findings(&sandbox);
    let text = format!("{found:#?}");
    assert_eq!((code, found.len()), (1, 2), "{text}");
    assert!(
        text.contains("`gamma` needs `beta` from projects/beta, and projects/gamma/uv.lock does not say so"),
        "{text}"
    );
    assert!(text.contains("projects/gamma/pyproject.toml asks for `beta`"), "{text}");
    assert!(found.iter().all(|it| it.4 == "uv lock --project projects/gamma"), "{text}");
    sandbox.uv(&["lock", "-q", "--project", "projects/gamma"]);
    assert_eq!(findings(&sandbox), (0, Vec::new()));

    sandbox.git(&["checkout", "-q", GAMMA]);
    let (_, found) = findings(&sandbox);
    let text = format!("{found:#?}");
    assert!(text.contains("projects/gamma/uv.lock says that `gamma` needs `beta` from projects/beta"), "{text}");
}

#[test]
fn locks() {
    const LOCK: &str = "projects/beta/uv.lock";
    check(&[Row {
        what: "a missing lock",
        plant: |it| it.remove(LOCK),
        check: "locks",
        severity: SERIOUS,
        place: (LOCK, ""),
        says: "the lock is missing",
        fix: "uv lock --project projects/beta",
    }]);
    check(&[Row {
        what: "a lock with the marks of a merge",
        plant: |it| it.write(LOCK, "<<<<<<< HEAD\n"),
        check: "locks",
        severity: SERIOUS,
        place: (LOCK, ""),
        says: "cannot be read",
        fix: "rm projects/beta/uv.lock && uv lock --project projects/beta",
    }]);
    check(&[Row {
        what: "a lock that git ignores",
        plant: |it| {
            it.append(".gitignore", "projects/beta/uv.lock\n");
            it.git(&["rm", "-q", "--cached", LOCK]);
        },
        check: "locks",
        severity: SERIOUS,
        place: (LOCK, ""),
        says: "git ignores this lock",
        fix: "git check-ignore -v projects/beta/uv.lock",
    }]);
    check(&[Row {
        what: "another Python is asked for: only uv can tell",
        plant: |it| it.replace("projects/beta/pyproject.toml", ">=3.11", ">=3.11,<4"),
        check: "locks",
        severity: SERIOUS,
        place: (LOCK, ""),
        says: "the lock is stale: it does not say what the manifests say",
        fix: "uv lock --project projects/beta",
    }]);
    check(&[Row {
        what: "a name of which uv knows nothing without a network",
        plant: |it| it.append("projects/beta/pyproject.toml", "\n[dependency-groups]\ndev = [\"no-such-thing-1f0\"]\n"),
        check: "locks",
        severity: SERIOUS,
        place: (LOCK, ""),
        says: "projects/beta/pyproject.toml asks for `no-such-thing-1f0`",
        fix: "uv lock --project projects/beta",
    }]);
}

/// Without the tools it says so, and fetches nothing.
#[test]
fn tools_that_are_not_there() {
    let sandbox = clean();
    let cache = sandbox.root.join("empty-cache");
    let ran = finish(sandbox.command(&["doctor"]).env("XTASK_CACHE_DIR", &cache));
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains("not fetched yet, the first run does it: uv "), "{}", ran.all());
    assert!(ran.stdout.contains("-> cargo xtask tools --fetch"), "{}", ran.all());
    assert_eq!(cache.read_dir_utf8().expect("a directory").count(), 0);
    // Without a Python there are none at all.
    let path = sandbox.root.join("bin");
    std::fs::create_dir_all(&path).expect("a directory");
    for program in ["git", "df"] {
        let found = ["/usr/bin", "/bin", "/usr/local/bin"].iter().map(|it| format!("{it}/{program}"));
        let found = found.into_iter().find(|it| std::path::Path::new(it).exists()).expect("it is installed");
        std::os::unix::fs::symlink(found, path.join(program)).expect("a link");
    }
    let ran = finish(sandbox.command(&["doctor"]).env("PATH", &path));
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stdout.contains("no Python 3.11 or newer is on PATH"), "{}", ran.all());
}

/// Bad input is refused as everywhere.
#[test]
fn settings_that_cannot_be_read() {
    let sandbox = clean();
    sandbox.append("ci/xtask.toml", "\n[pytset]\n");
    let ran = sandbox.xtask(&["doctor"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("pytset"), "{}", ran.all());
}
