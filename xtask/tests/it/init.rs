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

#[test]
fn what_lies_around_the_projects_is_thought_of() {
    let sandbox = scratch();
    for (path, text) in [
        ("templates/{{ name }}/pyproject.toml", "{% if x %}\n"),
        ("templates/{{ other }}/pyproject.toml", "[project]\nname = \"other\"\nversion = \"1\"\n"),
        ("beta/tests/data/sample/pyproject.toml", "[project]\nname = \"sample\"\nversion = \"1\"\n"),
        (".gitattributes", "*.x text\n"),
        ("js/index.ts", "1\n"),
        ("Justfile", "all:\n"),
        ("schemas/event.json", "{}\n"),
        ("libs/alpha/tests/test_event.py", "EVENT = (Path(__file__).parents[3] / 'schemas' / 'event.json')\n"),
    ] {
        sandbox.write(path, text);
    }
    sandbox.commit("around");
    let ran = sandbox.xtask(&["init"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for words in [
        "templates/{{ name }} is no project but a template of a project",
        "templates/{{ other }} is no project but a template of a project",
        "beta/tests/** is no project but data of the tests around it",
        "ci/xtask.toml has a rule for 3 files and directories that no project names",
        "beside the projects: 1 files and directories that a project may read",
        "26 jobs in 2 projects",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.all());
    }
    let settings = sandbox.read("ci/xtask.toml");
    let table: toml::Table = toml::from_str(&settings).expect("settings");
    let rule = &table["no-input"].as_array().expect("rules")[0]["paths"];
    let paths: Vec<&str> = rule.as_array().expect("paths").iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(paths, ["Justfile", "js/**", "templates/**"]);
    assert!(settings.contains("\n#   \"schemas/**\": libs/alpha/tests/test_event.py:1\n"), "{settings}");
    sandbox.commit("set up");
    for (path, words) in [
        ("js/index.ts", "no stage of the 2 projects is affected"),
        ("schemas/event.json", "everything runs: schemas/event.json is in nobody's list"),
        (".gitattributes", "everything runs: .gitattributes is in nobody's list"),
        ("beta/tests/data/sample/pyproject.toml", "beta/tests/data/sample/pyproject.toml changed"),
    ] {
        sandbox.append(path, "\n");
        let ran = sandbox.xtask(&["plan", "--base", "HEAD"]);
        assert!(ran.code == 0 && ran.stdout.contains(words), "{path}: {}", ran.all());
        sandbox.git(&["checkout", "-q", "."]);
    }
    // None of it is a finding.
    let ran = sandbox.xtask(&["doctor"]);
    assert!(!ran.stdout.contains("under no glob") && !ran.stdout.contains("takes no directory"), "{}", ran.all());
}
