//! The command line itself: bad input, names, help, what is left behind.

use crate::support::Sandbox;

/// Bad input ends with exit code 2 and a message that names what and where.
fn refused(plant: impl Fn(&Sandbox), args: &[&str], words: &[&str]) {
    let sandbox = Sandbox::new();
    plant(&sandbox);
    let ran = sandbox.xtask(args);
    assert_eq!(ran.code, 2, "{}", ran.all());
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.all());
    }
}

#[test]
fn malformed_manifest() {
    let plant = |it: &Sandbox| it.write("projects/alpha/pyproject.toml", "[project]\nname = 'alpha\n");
    refused(plant, &["stage", "ruff"], &["projects/alpha/pyproject.toml", "line 2"]);
}

#[test]
fn two_projects_with_one_name() {
    let plant = |it: &Sandbox| it.replace("projects/beta/pyproject.toml", "name = \"beta\"", "name = \"Alpha\"");
    refused(plant, &["stage", "ruff"], &["`alpha`", "projects/alpha", "projects/beta"]);
}

#[test]
fn no_manifest_goes_unseen() {
    refused(|it| it.write("projects/alpha/pyproject.toml", ""), &["ci"], &["projects/alpha/pyproject.toml", "empty"]);
    refused(
        |it| it.replace("ci/xtask.toml", "projects = [\"projects/*\", \"projects/*/*\"]", "projects = [\"prjects/*\"]"),
        &["ci", "--all"],
        &["there is no project", "ci/xtask.toml"],
    );
    let sandbox = Sandbox::new();
    sandbox.write("projects/odd/pyproject.toml", "[tool.black]\nline-length = 100\n");
    let ran = sandbox.xtask(&["stage", "ruff", "--project", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stderr.contains("no [project] table") && ran.stderr.contains("projects/odd"), "{}", ran.all());
}

#[test]
fn a_path_with_a_line_break() {
    let plant = |it: &Sandbox| it.git(&["mv", "projects/beta", "projects/be\nta"]);
    refused(|it| drop(plant(it)), &["ci", "--all"], &["be\\nta/pyproject.toml", "rename it"]);
}

#[test]
fn an_override_that_the_settings_could_not_say() {
    for (setting, value) in [
        ("radon.complexity", "\"Z\""),
        ("vulnerabilities.severity", "\"none\""),
        ("pytest.coverage", "-1"),
        ("pytest.coverage", "\"60\""),
    ] {
        let text = format!("\n[[tool.xtask.override]]\nsetting = \"{setting}\"\nvalue = {value}\nreason = \"x\"\n");
        let plant = |it: &Sandbox| it.append("projects/alpha/pyproject.toml", &text);
        refused(plant, &["stage", "ruff"], &["projects/alpha/pyproject.toml", setting]);
    }
}

#[test]
fn missing_lock() {
    refused(
        |it| it.remove("projects/beta/uv.lock"),
        &["ci"],
        &["projects/beta/uv.lock", "uv lock --project projects/beta"],
    );
}

#[test]
fn broken_lock() {
    refused(|it| it.write("projects/beta/uv.lock", "<<<<<<< HEAD\n"), &["ci"], &["projects/beta/uv.lock", "uv lock"]);
}

#[test]
fn unknown_names_get_a_suggestion() {
    refused(|_| {}, &["stage", "pytset"], &["`pytset`", "did you mean `pytest`?"]);
    refused(|_| {}, &["ci", "--stage", "sbon"], &["did you mean `sbom`?"]);
    refused(|_| {}, &["ci", "--project", "alhpa"], &["`alhpa`", "did you mean `alpha`?"]);
}

#[test]
fn settings_with_an_unknown_key() {
    refused(|it| it.append("ci/xtask.toml", "\n[pytset]\ncoverage = 10\n"), &["ci"], &["ci/xtask.toml", "pytset"]);
    let plant = |it: &Sandbox| it.replace("ci/xtask.toml", "coverage = 75", "covrage = 75");
    refused(plant, &["ci"], &["ci/xtask.toml", "covrage", "line "]);
}

#[test]
fn settings_with_an_unknown_stage() {
    let plant = |it: &Sandbox| it.replace("ci/xtask.toml", "[timeout]", "[timeout]\nrufff = \"1m\"");
    refused(plant, &["ci"], &["ci/xtask.toml", "did you mean `ruff`?"]);
}

#[test]
fn a_project_setting_that_does_not_exist() {
    let plant = |it: &Sandbox| it.append("projects/alpha/pyproject.toml", "\n[tool.xtask]\nimages = true\n");
    refused(plant, &["ci"], &["projects/alpha/pyproject.toml", "images"]);
}

#[test]
fn dependency_cycle() {
    let plant = |it: &Sandbox| {
        it.replace("projects/alpha/pyproject.toml", "\"idna==3.7\"", "\"idna==3.7\", \"gamma\"");
        it.append("projects/alpha/pyproject.toml", "\n[tool.uv.sources]\ngamma = { path = \"../gamma\" }\n");
    };
    let words = ["cycle", "alpha -> gamma -> alpha"];
    for args in [&["ci"][..], &["ci", "--all"], &["stage", "ruff", "--project", "beta"], &["emit"], &["emit", "--all"]]
    {
        refused(plant, args, &words);
    }
    let sandbox = Sandbox::new();
    plant(&sandbox);
    // A plan of it can be made, but it would not run.
    let ran = sandbox.xtask(&["plan", "--all"]);
    let said = ran.stderr.contains("warning: no run begins like this: projects depend on each other in a cycle");
    assert!(ran.code == 0 && said, "{}", ran.all());
    let ran = sandbox.xtask(&["doctor"]);
    assert!(ran.code == 1 && ran.stdout.contains("projects/alpha/pyproject.toml"), "{}", ran.all());
}

/// What lies in a submodule is not listed by git, and would be passed over in silence.
#[test]
fn a_project_in_a_submodule() {
    let plant = |it: &Sandbox| {
        it.git(&["init", "-q", "projects/sub"]);
        it.write("projects/sub/pyproject.toml", "[project]\nname = \"sub\"\nversion = \"1\"\n");
        it.git(&["-C", "projects/sub", "add", "-A"]);
        it.git(&["-C", "projects/sub", "commit", "-q", "-m", "sub"]);
        it.commit("a submodule");
    };
    let words = ["projects/sub/pyproject.toml is in the git submodule projects/sub", "`exclude` of ci/xtask.toml"];
    refused(plant, &["stage", "ruff", "--all"], &words);
    let sandbox = Sandbox::new();
    plant(&sandbox);
    sandbox.replace("ci/xtask.toml", "exclude = [", "exclude = [\"projects/sub\", ");
    let ran = sandbox.xtask(&["stage", "ruff", "--all"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

#[test]
fn outside_a_repository() {
    let sandbox = Sandbox::new();
    sandbox.remove("ci/xtask.toml");
    let ran = sandbox.xtask(&["ci"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("ci/xtask.toml"), "{}", ran.all());
}

#[test]
fn clean_lists_what_it_deletes_and_touches_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.write("target/ci/junit/old.xml", "old");
    sandbox.write("target/debug/keep", "keep");
    let dry = sandbox.xtask(&["clean", "--dry-run"]);
    assert!(dry.stdout.contains("would delete") && dry.stdout.contains("target/ci/junit"), "{}", dry.all());
    assert!(sandbox.root.join("target/ci/junit/old.xml").exists());
    let ran = sandbox.xtask(&["stage", "clear-cache"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(!sandbox.root.join("target/ci/junit").exists());
    assert!(sandbox.root.join("target/debug/keep").exists());
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
}

#[test]
fn clean_does_not_follow_a_link() {
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/precious", "precious");
    std::fs::create_dir_all(sandbox.root.join("target")).expect("a directory");
    std::os::unix::fs::symlink(sandbox.root.join("elsewhere"), sandbox.root.join("target/ci")).expect("a link");
    let ran = sandbox.xtask(&["clean"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(sandbox.root.join("elsewhere/precious").exists());
}

#[test]
fn neither_clean_nor_a_run_empties_what_lies_elsewhere() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.root.parent().expect("a parent").join("elsewhere");
    let precious = elsewhere.join("ci/home/precious");
    std::fs::create_dir_all(precious.parent().expect("a parent")).expect("a directory");
    std::fs::write(&precious, "precious").expect("a file");
    let link = |from: &str, to: &str| {
        let from = sandbox.root.join(from);
        std::fs::create_dir_all(from.parent().expect("a parent")).expect("a directory");
        std::os::unix::fs::symlink(elsewhere.join(to), from).expect("a link");
    };
    link("target/ci", "ci");
    for args in [&["clean"][..], &["stage", "ruff", "--project", "beta"]] {
        let ran = sandbox.xtask(args);
        assert!(ran.code == 2 && ran.stderr.contains("symbolic link"), "{}", ran.all());
    }
    sandbox.remove("target");
    link("target", "");
    let ran = sandbox.xtask(&["clean"]);
    assert!(ran.code == 2 && ran.stderr.contains("symbolic link"), "{}", ran.all());
    assert!(precious.exists());

    // Where there is more space, a run may leave what it leaves.
    std::fs::remove_dir_all(elsewhere.join("ci")).expect("a directory");
    let ran = sandbox.xtask(&["stage", "ruff", "--project", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

#[test]
fn clean_needs_no_sound_manifest() {
    let sandbox = Sandbox::new();
    sandbox.write("target/ci/junit/old.xml", "old");
    sandbox.write("projects/alpha/pyproject.toml", "[project");
    let ran = sandbox.xtask(&["clean"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(!sandbox.root.join("target/ci/junit").exists());
}

#[test]
fn help_names_every_command() {
    let ran = Sandbox::new().xtask(&["--help"]);
    for command in ["ci", "stage", "tools", "clean"] {
        assert!(ran.stdout.contains(&format!("\n  {command} ")), "{}", ran.all());
    }
}
