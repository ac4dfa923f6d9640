//! Runs at another revision than the work tree, and jobs of a pipeline that are run again.

use crate::support::Sandbox;

const FINE: &str = "projects/beta/src/beta/__init__.py";

/// A repository whose last commit but one has a finding of ruff in `beta`; the work tree is clean. Gives that commit.
fn mended() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let fine = sandbox.read(FINE);
    sandbox.append(FINE, "\n\nimport os\n");
    sandbox.commit("a mistake");
    let commit = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
    sandbox.write(FINE, fine);
    sandbox.commit("mended");
    (sandbox, commit)
}

#[test]
fn a_revision_is_run_in_a_copy() {
    let (sandbox, commit) = mended();
    let here = sandbox.xtask(&["stage", "ruff", "--project", "beta"]);
    assert_eq!(here.code, 0, "{}", here.all());
    // What the commit changed, without a base: beta alone.
    let there = sandbox.xtask(&["stage", "ruff", "--head", "HEAD^"]);
    assert_eq!(there.code, 1, "{}", there.all());
    assert!(there.stdout.contains("FAIL ruff beta") && there.stdout.contains("F401"), "{}", there.all());
    assert!(there.stdout.contains("of 1 jobs"), "{}", there.all());
    assert!(there.stderr.contains("target/ci/at/tree/target/ci"), "{}", there.all());
    assert!(sandbox.root.join("target/ci/at/tree/target/ci/junit/beta.ruff.xml").is_file());
    assert!(sandbox.git(&["status", "--porcelain"]).is_empty(), "the work tree is as it was");
    let nowhere = sandbox.xtask(&["stage", "ruff", "--head", "0123456789012345678901234567890123456789"]);
    assert_eq!(nowhere.code, 2, "{}", nowhere.all());
    assert!(nowhere.stderr.contains("git fetch origin 0123456789"), "{}", nowhere.all());
    assert_eq!(sandbox.read("target/ci/junit/beta.ruff.xml").matches("<failure").count(), 0, "{commit}");
}

#[test]
fn a_job_is_run_again_from_its_log_or_its_plan() {
    let (sandbox, commit) = mended();
    let log = format!(
        "$ xtask stage ruff\nreproduce: xtask stage ruff --project beta --head {commit} # tools 0\nJob failed\n"
    );
    sandbox.write("target/job.log", log);
    let again = sandbox.xtask(&["reproduce", "target/job.log"]);
    assert_eq!(again.code, 1, "{}", again.all());
    assert!(again.stdout.contains("FAIL ruff beta"), "{}", again.all());
    // A plan of the work tree is run in it.
    sandbox.xtask(&["stage", "ruff", "--all"]);
    let planned = sandbox.xtask(&["reproduce", "target/ci/plan.json#beta.ruff"]);
    assert_eq!(planned.code, 0, "{}", planned.all());
    for (what, says) in [
        ("target/ci/plan.json#beta.rufff", "did you mean `beta.ruff`"),
        ("README.md#x", "could not read"),
        (FINE, "no line that says how to run it again"),
    ] {
        let refused = sandbox.xtask(&["reproduce", what]);
        assert!(refused.code == 2 && refused.stderr.contains(says), "{what}: {}", refused.all());
    }
}
