//! `init` in a repository that has only Python projects: what it writes, and that it overwrites nothing.

use crate::support::Sandbox;

/// Two projects at different depths, and nothing of ours.
fn scratch() -> Sandbox {
    let sandbox = Sandbox::new();
    for path in ["ci", "projects/gamma"] {
        sandbox.remove(path);
    }
    std::fs::create_dir(sandbox.root.join("libs")).expect("a directory");
    for (from, to) in [("projects/alpha", "libs/alpha"), ("projects/beta", "beta")] {
        std::fs::rename(sandbox.root.join(from), sandbox.root.join(to)).expect("movable");
    }
    sandbox.remove("projects");
    for path in [".gitignore", ".gitlab-ci.yml"] {
        if sandbox.root.join(path).exists() {
            sandbox.remove(path);
        }
    }
    sandbox.commit("only Python");
    sandbox
}

#[test]
fn a_repository_is_set_up_and_runs() {
    let sandbox = scratch();
    let ran = sandbox.xtask(&["init"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for words in
        ["wrote ci/xtask.toml", "wrote ci/tools/uv.lock", "wrote .gitlab-ci.yml", "alpha", "26 jobs in 2 projects"]
    {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.all());
    }
    let settings = sandbox.read("ci/xtask.toml");
    assert!(settings.contains("\nprojects = [\"beta\", \"libs/*\"]\n"), "{settings}");
    let ours = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/ruff.toml");
    assert_eq!(sandbox.read("ci/ruff.toml"), std::fs::read_to_string(ours).expect("our policy"));
    sandbox.commit("set up");
    // What was written is what the pipeline needs: it plans, emits, checks and runs.
    let ran = sandbox.xtask(&["emit", "--check", ".gitlab-ci.yml"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let ran = sandbox.xtask(&["stage", "ruff", "lock", "--all"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "what a run leaves is ignored");
    // A second time there is nothing to write.
    let ran = sandbox.xtask(&["init"]);
    assert!(ran.code == 0 && !ran.stdout.contains("wrote"), "{}", ran.all());
}

#[test]
fn what_is_there_is_left() {
    let sandbox = scratch();
    sandbox.write(".gitlab-ci.yml", "mine: {script: [make]}\n");
    sandbox.write("ci/ruff.toml", "line-length = 99\n");
    let ran = sandbox.xtask(&["init", "--component", "$CI_SERVER_FQDN/a/b/python-monorepo@1.2.3"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    for words in ["left  .gitlab-ci.yml", "left  ci/ruff.toml", "wrote ci/xtask.toml", "a/b/python-monorepo@1.2.3"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.all());
    }
    assert_eq!(sandbox.read(".gitlab-ci.yml"), "mine: {script: [make]}\n");
    assert_eq!(sandbox.read("ci/ruff.toml"), "line-length = 99\n");
}

#[test]
fn without_a_project_nothing_is_written() {
    let sandbox = scratch();
    for path in ["libs", "beta"] {
        sandbox.remove(path);
    }
    let ran = sandbox.xtask(&["init"]);
    assert!(ran.code == 2 && ran.stderr.contains("no Python project"), "{}", ran.all());
    let ran = sandbox.xtask(&["init", "--component", "x y"]);
    assert!(ran.code == 2 && ran.stderr.contains("is no component"), "{}", ran.all());
    assert!(!sandbox.root.join("ci").exists());
}
