//! Images that are really built: the third command, `cargo test --test engine -- --ignored`.
//!
//! What is ignored needs an engine, emulation and base images, and makes them all from Debian's packages (as root). The
//! rest runs with every `cargo test` and must get by without.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

#[path = "engine/machine.rs"]
mod machine;
#[path = "engine/pushed.rs"]
mod pushed;
#[path = "engine/registry.rs"]
mod registry;
#[allow(dead_code, reason = "shared with the tests that need no engine")]
#[path = "it/support.rs"]
mod support;

use machine::{Machine, Platform};
use support::{Sandbox, finish};

const MAIN: &str =
    "\n\ndef main() -> None:\n    \"\"\"Says how deep a host name is.\"\"\"\n    print(depth(\"a.b.c\"))\n";
const STAGE: &[&str] = &["stage", "docker-build", "--project", "gamma", "beta"];

/// A repository whose project `gamma` ships as an image, which is to be built by buildah from what is in its store.
fn with_image(platform: Platform) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.append("projects/gamma/src/gamma/__init__.py", MAIN);
    sandbox.append("projects/gamma/pyproject.toml", "\n[project.scripts]\ngamma = \"gamma:main\"\n");
    sandbox.append("projects/gamma/pyproject.toml", "\n[tool.xtask]\nimage = true\n");
    set(&sandbox, platform);
    sandbox
}

fn set(sandbox: &Sandbox, platform: Platform) {
    let settings = format!("builder = \"buildah\"\noffline = true\nplatform = \"linux/{}\"\n", platform.arch());
    sandbox.replace("ci/xtask.toml", "builder = \"auto\"\nplatform = \"linux/arm64\"\n", &settings);
}

/// The image's name, as the run has left it.
fn reference(sandbox: &Sandbox) -> String {
    image(sandbox, "gamma")["reference"].as_str().expect("a name").to_owned()
}

fn image(sandbox: &Sandbox, project: &str) -> Value {
    serde_json::from_str(&sandbox.read(&format!("target/ci/reports/{project}/image.json"))).expect("JSON")
}

/// Builds, and takes the log away so that the next run has its own.
fn build(machine: &Machine, sandbox: &Sandbox) -> (String, String) {
    let ran = machine.xtask(sandbox, STAGE);
    let path = "target/ci/logs/gamma.docker-build.log";
    let log = sandbox.read(path);
    assert_eq!(ran.code, 0, "{}\n{log}", ran.all());
    sandbox.remove(path);
    (reference(sandbox), log)
}

/// Did the step whose command has this word come from the layers of an earlier build?
fn cached(log: &str, word: &str) -> bool {
    let mut lines = log.lines().skip_while(|line| !(line.contains("] STEP ") && line.contains(word)));
    assert!(lines.next().is_some(), "no step with {word}:\n{log}");
    lines.take_while(|line| !line.contains("] STEP ")).any(|line| line.contains("Using cache"))
}

#[test]
#[ignore = "needs a container engine"]
fn an_image_is_built_once_for_the_same_input() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    let sandbox = with_image(Platform::Amd64);
    let (first, log) = build(&machine, &sandbox);
    assert!(log.contains(" build --isolation chroot"), "{log}");
    assert!(sandbox.junit("beta", "docker-build").iter().all(|it| it.outcome == "skipped"));
    let command = machine.buildah(&["inspect", "--type", "image", "--format", "{{.OCIv1.Config}}", &first]);
    assert!(command.contains("[gamma]") && command.contains("10001:10001"), "{command}");
    assert_eq!(machine.run_in(&first, &["gamma"]), "3");
    let who = machine.run_in(&first, &["python", "-c", "import os, gamma; print(os.getuid(), gamma.__file__)"]);
    assert_eq!(who, "10001 /app/.venv/lib/python3.11/site-packages/gamma/__init__.py");
    assert_eq!(machine.run_in(&first, &["ls", "-A", "/app"]), ".venv", "no sources, no uv, no locks");
    let layers = machine.buildah(&["inspect", "--type", "image", &first]);
    assert!(!layers.contains("secrets/ca\n") && !layers.contains("export SSL_CERT_FILE"), "a secret stayed: {layers}");

    let before = std::fs::metadata(sandbox.root.join("target/ci/images/gamma.tar")).expect("an archive");
    sandbox.append("projects/beta/README.md", "\nA word more.\n");
    sandbox.write("projects/gamma/src/gamma/__pycache__/stray.pyc", "ignored by git");
    let (again, log) = build(&machine, &sandbox);
    assert_eq!(again, first, "what does not go in changes nothing");
    assert!(!log.contains(" build --isolation"), "{log}");
    let after = std::fs::metadata(sandbox.root.join("target/ci/images/gamma.tar")).expect("an archive");
    assert_eq!(before.modified().expect("a time"), after.modified().expect("a time"), "nor is the archive made again");

    // Code of a dependency that is installed as a copy: the layer with the dependencies stays, the code is the new one.
    sandbox.replace("projects/alpha/src/alpha/__init__.py", "split(\".\")", "split(\".\") * 2");
    let (changed, log) = build(&machine, &sandbox);
    assert_ne!(changed, first);
    assert!(cached(&log, "--no-install-local") && !cached(&log, "--no-editable"), "{log}");
    assert_eq!(machine.run_in(&changed, &["gamma"]), "6");

    // An image that is no longer declared leaves nothing behind for the SBOM.
    sandbox.replace("projects/gamma/pyproject.toml", "image = true", "image = false");
    assert_eq!(machine.xtask(&sandbox, STAGE).code, 0);
    assert!(!sandbox.root.join("target/ci/reports/gamma/image.json").exists());
}

#[test]
#[ignore = "needs a container engine"]
fn an_image_for_arm64_is_built_under_emulation() {
    let machine = machine::get();
    machine.base(Platform::Arm64);
    let sandbox = with_image(Platform::Arm64);
    let (reference, _) = build(&machine, &sandbox);
    assert_eq!(image(&sandbox, "gamma")["platform"], "linux/arm64");
    assert_eq!(machine.run_in(&reference, &["uname", "-m"]), "aarch64");
    assert_eq!(machine.run_in(&reference, &["gamma"]), "3");
}

/// Something planted, and what the report of gamma must say.
struct Row {
    what: &'static str,
    plant: fn(&Sandbox),
    code: i32,
    outcome: &'static str,
    place: Option<(&'static str, u32)>,
    says: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        what: "a Python file missing from the wheel of a dependency",
        plant: |it| {
            it.write("projects/alpha/src/alpha/extra.py", "\"\"\"More.\"\"\"\n");
            it.append("projects/alpha/src/alpha/__init__.py", "\n\nfrom alpha import extra  # noqa: E402, F401\n");
            it.append(
                "projects/alpha/pyproject.toml",
                "\n[tool.uv.build-backend]\nwheel-exclude = [\"**/extra.py\"]\n",
            );
        },
        code: 1,
        outcome: "failure",
        place: Some(("projects/gamma/pyproject.toml", 27)),
        says: "importing the packages in the image: ImportError: cannot import name 'extra' from",
    },
    Row {
        what: "an import of what only the development environment has",
        plant: |it| it.append("projects/gamma/src/gamma/__init__.py", "\n\nimport pytest  # noqa: E402, F401\n"),
        code: 1,
        outcome: "failure",
        place: Some(("projects/gamma/pyproject.toml", 27)),
        says: "ModuleNotFoundError: No module named 'pytest'",
    },
    Row {
        what: "a package that does not build",
        plant: |it| it.replace("projects/alpha/pyproject.toml", "README.md", "LOSTME.md"),
        code: 1,
        outcome: "failure",
        place: Some(("projects/gamma/pyproject.toml", 27)),
        says: "installing the project: ",
    },
    Row {
        what: "a link to a file of this machine",
        plant: |it| {
            std::os::unix::fs::symlink("/etc/passwd", it.root.join("projects/gamma/src/gamma/data.txt"))
                .expect("a link");
        },
        code: 1,
        outcome: "failure",
        place: None,
        says: "a link to /etc/passwd, outside the repository, would be copied into the image",
    },
    Row {
        what: "no base image",
        plant: |it| it.append("ci/xtask.toml", "\n[docker-build.base]\n\"linux/amd64\" = \"docker.io/library/no:1\"\n"),
        code: 0,
        outcome: "skipped",
        place: None,
        says: "the base image docker.io/library/no:1 is not here and could not be fetched",
    },
    Row {
        what: "a template that does not build",
        plant: |it| it.replace("ci/project.Dockerfile", "pip install --no-cache-dir", "pip install --no-such-option"),
        code: 2,
        outcome: "error",
        place: None,
        says: "a step of ci/project.Dockerfile that has nothing to do with the project",
    },
];

#[test]
#[ignore = "needs a container engine"]
fn planted_mistakes() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    for row in ROWS {
        let sandbox = with_image(Platform::Amd64);
        (row.plant)(&sandbox);
        let ran = machine.xtask(&sandbox, STAGE);
        let cases = sandbox.junit("gamma", "docker-build");
        assert_eq!(ran.code, row.code, "{}: {}\n{cases:#?}", row.what, ran.all());
        let fits = |it: &&support::Case| {
            it.outcome == row.outcome
                && row.place.is_none_or(|(file, line)| it.file.as_deref() == Some(file) && it.line == Some(line))
                && it.message.contains(row.says)
        };
        assert!(cases.iter().any(|it| fits(&it)), "{}: {cases:#?}", row.what);
        assert!(!sandbox.root.join("target/ci/reports/gamma/image.json").exists(), "{}", row.what);
        assert!(!sandbox.root.join("target/ci/work/docker-build/gamma/network").exists(), "{}", row.what);
    }
}

#[test]
#[ignore = "needs a container engine"]
fn a_base_image_for_another_machine_is_an_error() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    machine.base(Platform::Arm64);
    let sandbox = with_image(Platform::Amd64);
    let base = format!("\n[docker-build.base]\n\"linux/amd64\" = \"{}\"\n", Platform::Arm64.base());
    sandbox.append("ci/xtask.toml", &base);
    let ran = machine.xtask(&sandbox, STAGE);
    let cases = sandbox.junit("gamma", "docker-build");
    // An engine may refuse such a base by itself: what matters is that no image for the wrong machine comes out.
    assert!(ran.code != 1 && cases.iter().all(|it| it.outcome != "success"), "{}\n{cases:#?}", ran.all());
    assert!(cases.iter().any(|it| it.message.contains("aarch64") || it.message.contains("base image")), "{cases:#?}");
}

/// A vulnerability database in which Debian's libc, as the base image has it, is vulnerable and can be upgraded.
fn database(sandbox: &Sandbox) {
    let here = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let rows = std::fs::read_to_string(here.join("grype-db.json")).expect("the advisories");
    sandbox.write("target/advisories.json", rows.replace("2.36-9+deb12u3", "2.36-9+deb12u999"));
    let path = |name: &str| sandbox.root.join("target").join(name);
    let run = |command: &mut Command| {
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let now = run(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]));
    let mut make = Command::new("python3");
    make.arg(here.join("grype-db.py")).args([path("advisories.json"), path("advisories.db")]).arg(now.trim());
    run(&mut make);
    let ran = sandbox.xtask(&["tools", "--fetch"]);
    let row = ran.stdout.lines().find(|line| line.starts_with("grype ")).unwrap_or_else(|| panic!("{}", ran.all()));
    let grype: Utf8PathBuf = row.split_whitespace().last().expect("a path").into();
    let mut import = Command::new(grype);
    import.args(["db", "import"]).arg(path("advisories.db")).current_dir(path(""));
    run(import.env("GRYPE_DB_CACHE_DIR", path("vulnerability-db")).env("GRYPE_CHECK_FOR_APP_UPDATE", "false"));
    let setting = "[vulnerabilities]\ndatabase = \"target/vulnerability-db\"\n";
    sandbox.replace("ci/xtask.toml", "[vulnerabilities]\n", setting);
}

#[test]
#[ignore = "needs a container engine"]
fn the_image_has_its_sbom_and_its_vulnerabilities() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    let sandbox = with_image(Platform::Amd64);
    database(&sandbox);
    let args = ["stage", "docker-build", "sbom", "vulnerabilities", "--project", "gamma"];
    let ran = machine.xtask(&sandbox, &args);
    assert_eq!(ran.code, 1, "{}", ran.all());
    for stage in ["docker-build", "sbom"] {
        let cases = sandbox.junit("gamma", stage);
        assert!(cases.iter().all(|it| it.outcome == "success"), "{stage}: {cases:#?}");
    }
    let sbom: Value = serde_json::from_str(&sandbox.read("target/ci/reports/gamma/sbom-image.cdx.json")).expect("JSON");
    let parts = sbom["components"].as_array().expect("components");
    let has = |name: &str| parts.iter().any(|it| it["name"] == name);
    assert!(["libc6", "python3.11", "idna", "alpha", "gamma"].into_iter().all(has), "{sbom:#}");
    assert!(!has("uv"), "uv stays in the stage that is thrown away");

    let cases = sandbox.junit("gamma", "vulnerabilities");
    let red: Vec<_> = cases.iter().filter(|it| it.outcome == "failure").collect();
    let image = reference(&sandbox);
    let fits = |it: &&&support::Case| it.message.contains("libc6 2.36") && it.message.contains(&image);
    let found = red.iter().find(fits).unwrap_or_else(|| panic!("{cases:#?}"));
    assert!(found.message.contains("CVE-2023-4911"), "{found:#?}");
    assert_eq!((found.file.as_deref(), found.line), (Some("projects/gamma/pyproject.toml"), Some(27)));
    assert!(red.iter().all(|it| it.message.contains("CVE-2023-4911")), "nothing else is vulnerable: {red:#?}");
}

#[test]
#[ignore = "needs a container engine"]
fn the_sample_project_that_ships_as_an_image() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    let sandbox = Sandbox::new();
    sandbox.remove("projects");
    let real = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").join("projects");
    let copy = Command::new("cp").arg("-r").args([real.as_path(), &sandbox.root.join("projects")]).status();
    assert!(copy.expect("cp runs").success());
    set(&sandbox, Platform::Amd64);
    let ran = machine.xtask(&sandbox, &["stage", "docker-build", "sbom", "--project", "dashboard"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let image = image(&sandbox, "dashboard");
    let help = machine.run_in(image["reference"].as_str().expect("a name"), &["dashboard", "--help"]);
    assert!(help.contains("usage"), "{help}");
}

/// The image that CI jobs run in, built and used.
#[test]
#[ignore = "needs a container engine"]
fn the_image_of_ci_jobs() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    let rust = machine.rust();
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    // A copy of this repository, whose build leaves nothing in it.
    let sandbox = Sandbox::new();
    sandbox.remove("ci");
    for name in ["Cargo.toml", "Cargo.lock", "ci", "xtask"] {
        let copy = Command::new("cp").arg("-r").args([root.join(name), sandbox.root.join(name)]).status();
        assert!(copy.expect("cp runs").success());
    }
    set(&sandbox, Platform::Amd64);
    sandbox.commit("with xtask");
    let args = ["image", "--platform", "linux/amd64", "--base", Platform::Amd64.base(), "--rust", rust];
    let ran = machine.xtask(&sandbox, &args);
    assert_eq!(ran.code, 0, "{}\n{}", ran.all(), sandbox.read("target/ci/logs/image.log"));
    let image = ran.stdout.trim();
    assert!(image.starts_with("localhost/xtask-ci:") && image.ends_with("-amd64"), "{image}");
    let name = machine.xtask(&sandbox, &[&args[..], &["--name"]].concat());
    assert_eq!(name.stdout.trim(), image, "the name is known before the build");
    sandbox.append("projects/beta/README.md", "\nProjects are no part of the image.\n");
    let again = machine.xtask(&sandbox, &args);
    assert!(
        again.stdout.trim() == image && again.stderr.contains("nothing that goes into it has changed"),
        "{again:?}"
    );

    let tools = machine.run_in(image, &["xtask", "--version"]);
    assert!(tools.starts_with("xtask "), "{tools}");
    for absent in ["cargo", "rustc", "go"] {
        let found = machine.run_in(image, &["sh", "-c", &format!("command -v {absent} || echo none")]);
        assert_eq!(found, "none", "{absent} stays in the stage that is thrown away");
    }

    // Without a network, with a cache of uv's as a job gets it: every tool is there, and the verdicts are those of this machine.
    let all = ["ci", "--all"];
    let cache = sandbox.root.join("target/uv-cache");
    let outside = finish(sandbox.command(&all).env("UV_CACHE_DIR", &cache));
    assert_eq!(outside.code, 0, "{}", outside.all());
    sandbox.remove("target/ci");
    let variables = [("UV_CACHE_DIR", cache.as_str()), ("UV_OFFLINE", "1")];
    let (inside, said) = machine.run_offline(image, &sandbox.root, &variables, &[&["xtask"], &all[..]].concat());
    assert_eq!(inside, 0, "{said}");
    assert!(!said.contains("fetching"), "a tool is missing in the image: {said}");
    let table = |text: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|it| !it.starts_with("project "));
        lines.take_while(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(table(&said), table(&outside.stdout));
}

#[test]
fn without_an_engine_it_is_not_checked() {
    let sandbox = with_image(Platform::Amd64);
    sandbox.replace("ci/xtask.toml", "builder = \"buildah\"", "builder = \"auto\"");
    // Just what the pipeline itself needs, and a docker whose daemon does not answer.
    let bin = sandbox.root.join("target/bin");
    let script = |name: &str, text: &str| {
        sandbox.write(&format!("target/bin/{name}"), format!("#!/bin/sh\n{text}\n"));
        assert!(Command::new("/bin/chmod").arg("+x").arg(bin.join(name)).status().expect("chmod runs").success());
    };
    script("docker", "echo 'Cannot connect to the Docker daemon' >&2\nexit 1");
    let git = xtask::proc::find_on_path("git").expect("the tests need git");
    script("git", &format!("exec {git} \"$@\""));
    // The interpreter itself: a version manager's launcher would look for more on PATH.
    let python = Command::new("python3").args(["-I", "-c", "import sys; print(sys.executable)"]).output();
    let python = String::from_utf8(python.expect("python runs").stdout).expect("a path");
    script("python3", &format!("exec {} \"$@\"", python.trim()));
    for (ci, code, outcome) in [("false", 0, "skipped"), ("true", 2, "error")] {
        let ran = finish(sandbox.command(STAGE).env("PATH", &bin).env("CI", ci));
        assert_eq!(ran.code, code, "{}", ran.all());
        let cases = sandbox.junit("gamma", "docker-build");
        assert_eq!((cases.len(), cases[0].outcome), (1, outcome), "{cases:#?}");
        for words in [
            "docker: Cannot connect to the Docker daemon",
            "buildah: `buildah` is not on PATH",
            "apt-get install buildah",
        ] {
            assert!(cases[0].message.contains(words), "{words}: {cases:#?}");
        }
        assert!(sandbox.junit("beta", "docker-build").iter().all(|it| it.outcome == "skipped"));
    }
}
