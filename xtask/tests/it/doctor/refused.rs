//! What no run begins with, and tools that are not those that were asked for: `doctor` goes on and says so.

use super::{SERIOUS, clean, findings};

#[test]
fn refused_manifests_are_findings_and_the_rest_is_looked_at() {
    let sandbox = clean();
    sandbox.write("projects/broken/pyproject.toml", "[project]\nname = \"broken\"\nversion = = 1\n");
    sandbox.write("projects/empty/pyproject.toml", "");
    sandbox.write("projects/twice/pyproject.toml", "[project]\nname = \"beta\"\nversion = \"1\"\n");
    // The rest of the repository has its own troubles still.
    sandbox.remove("projects/alpha/uv.lock");
    let ran = sandbox.xtask(&["stage", "radon", "--all"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let (code, found) = findings(&sandbox);
    assert_eq!(code, 1);
    for (place, what) in [
        ("projects/broken/pyproject.toml:3", "projects/broken/pyproject.toml is not valid"),
        ("projects/empty/pyproject.toml", "is empty: a project has a [project] table there"),
        ("projects/twice/pyproject.toml", "two projects are named `beta`"),
    ] {
        let fits = |it: &&super::Found| {
            (it.0.as_str(), it.1.as_str(), it.2.as_str()) == ("projects", SERIOUS, place)
                && it.3.starts_with("no run begins, for this is refused: ")
                && it.3.contains(what)
                && it.4.contains(place.trim_end_matches(":3"))
        };
        assert_eq!(found.iter().filter(fits).count(), 1, "{place}: {found:#?}");
    }
    assert!(found.iter().any(|it| it.0 == "locks" && it.2.starts_with("projects/alpha")), "{found:#?}");
    let ran = sandbox.xtask(&["doctor"]);
    assert!(ran.stdout.lines().any(|it| it.starts_with("ok ") && it.contains("tools")), "{}", ran.all());
}

#[test]
fn a_stale_lock_of_the_tools_is_said_by_doctor_and_by_every_run() {
    let sandbox = clean();
    sandbox.replace("ci/tools/pyproject.toml", "\"radon==", "\"radon==99.");
    let what = "ci/tools/uv.lock is not what ci/tools/pyproject.toml asks for, and the lock is what runs: group `lint`: \
                `radon==99.";
    let (code, found) = findings(&sandbox);
    let said = found.iter().filter(|it| it.0 == "tools" && it.1 == SERIOUS && it.3.starts_with(what));
    assert_eq!((code, said.count()), (1, 1), "{found:#?}");
    let ran = sandbox.xtask(&["tools"]);
    assert!(
        ran.stderr.contains(&format!("warning: {what}")) && ran.stderr.contains("uv lock --project ci/tools"),
        "{}",
        ran.all()
    );
}
