//! Planted mistakes: vulnerabilities, the grype download. Those of sbom are in `sbom.rs`.
//!
//! The real grype with a small database of real advisories that `tests/data` describes.

use std::process::Command;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::support::{Planted, Ran, Sandbox, check_planted, finish};

/// Where grype is, fetched by the binary under test.
fn grype() -> &'static Utf8Path {
    static GRYPE: OnceLock<Utf8PathBuf> = OnceLock::new();
    GRYPE.get_or_init(|| {
        let ran = Sandbox::new().xtask(&["tools", "--fetch"]);
        let row = ran.stdout.lines().find(|line| line.starts_with("grype "));
        row.and_then(|it| it.split_whitespace().last()).unwrap_or_else(|| panic!("{}", ran.all())).into()
    })
}

pub fn run(command: &mut Command) {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A database of these advisories in the sandbox, built at this time, and the setting that names it.
fn database_of(sandbox: &Sandbox, advisories: &Utf8Path, built: &str) {
    let raw = sandbox.root.join("target/advisories.db");
    std::fs::create_dir_all(sandbox.root.join("target")).expect("a directory");
    let script = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grype-db.py");
    run(Command::new("python3").args([script.as_str(), advisories.as_str(), raw.as_str(), built]));
    let mut import = Command::new(grype());
    import.args(["db", "import", raw.as_str()]).current_dir(sandbox.root.join("target"));
    for (name, value) in [("GRYPE_DB_CACHE_DIR", "vulnerability-db"), ("GRYPE_CHECK_FOR_APP_UPDATE", "false")] {
        import.env(name, value);
    }
    run(&mut import);
    sandbox.replace(
        "ci/xtask.toml",
        "[vulnerabilities]\n",
        "[vulnerabilities]\ndatabase = \"target/vulnerability-db\"\n",
    );
}

/// The database of `tests/data`, built just now.
pub fn database(sandbox: &Sandbox) {
    let now = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().expect("date runs");
    let now = String::from_utf8(now.stdout).expect("a date");
    database_of(sandbox, &Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grype-db.json"), now.trim());
}

/// The same, and a dependency more in alpha.
fn depends(sandbox: &Sandbox, requirement: &str) {
    database(sandbox);
    let dependencies = format!("\"idna==3.7\", \"{requirement}\"");
    sandbox.replace("projects/alpha/pyproject.toml", "\"idna==3.7\"", &dependencies);
    sandbox.uv(&["lock", "--quiet", "--project", "projects/alpha"]);
}

fn alpha_waives(sandbox: &Sandbox, rule: &str, expires: &str) {
    depends(sandbox, "ecdsa==0.19.0");
    let waiver = format!(
        "\n[[tool.xtask.waiver]]\nstage = \"vulnerabilities\"\nrule = \"{rule}\"\npackage = \"ecdsa\"\n\
         owner = \"ops@example.org\"\nreason = \"signs nothing\"\nexpires = {expires}\n"
    );
    sandbox.append("projects/alpha/pyproject.toml", &waiver);
}

const LOCK: Option<&str> = Some("projects/alpha/uv.lock");
const IMPORTS_URLLIB3: &str = "\n\ndef pool() -> object:\n    from urllib3.util import retry\n\n    return retry\n";

const fn row(what: &'static str, plant: fn(&Sandbox), outcome: &'static str, says: &'static str) -> Planted {
    let file = if outcome.as_bytes()[0] == b'f' { LOCK } else { None };
    Planted { what, stage: "vulnerabilities", project: "alpha", plant, outcome, file, line: None, says }
}

#[test]
fn vulnerable_dependencies() {
    check_planted(&[
        Planted {
            line: Some(30),
            ..row(
                "a vulnerable dependency",
                |it| depends(it, "urllib3==2.0.5"),
                "failure",
                "GHSA-v845-jxx5-vc9f urllib3 2.0.5 is vulnerable (CVE-2023-43804, severity high), fixed in 2.0.6",
            )
        },
        row(
            "first-party code imports it",
            |it| {
                depends(it, "urllib3==2.0.5");
                it.append("projects/alpha/src/alpha/__init__.py", IMPORTS_URLLIB3);
            },
            "failure",
            "a direct dependency; imported at projects/alpha/src/alpha/__init__.py:31",
        ),
        row(
            "only a test imports it",
            |it| {
                depends(it, "urllib3==2.0.5");
                it.append("projects/alpha/tests/test_alpha.py", IMPORTS_URLLIB3);
            },
            "failure",
            "not found imported by first-party code",
        ),
        row(
            "a file that cannot be read hides whether it is imported",
            |it| {
                depends(it, "urllib3==2.0.5");
                it.write("projects/alpha/src/alpha/broken.py", "import urllib3 as\n");
            },
            "failure",
            "is unknown: projects/alpha/src/alpha/broken.py could not be read (SyntaxError",
        ),
        row(
            "an import of a computed name hides whether it is imported",
            |it| {
                depends(it, "urllib3==2.0.5");
                let computed = "\n\ndef load(name: str) -> object:\n    import importlib\n\n    return importlib.import_module(name)\n";
                it.append("projects/alpha/src/alpha/__init__.py", computed);
            },
            "failure",
            "is unknown: projects/alpha/src/alpha/__init__.py:33 imports a name that is computed",
        ),
        row(
            "a computed name of our own hides nothing",
            |it| {
                depends(it, "urllib3==2.0.5");
                let computed = "\n\ndef load(name: str) -> object:\n    import importlib\n\n    return importlib.import_module(f\".{name}\", __name__)\n";
                it.append("projects/alpha/src/alpha/__init__.py", computed);
            },
            "failure",
            "not found imported by first-party code",
        ),
        Planted {
            project: "gamma",
            file: Some("projects/gamma/uv.lock"),
            ..row(
                "through a dependency of a local dependency",
                |it| {
                    depends(it, "jinja2==3.1.2");
                    it.append("projects/alpha/src/alpha/__init__.py", "\n\nimport jinja2  # noqa\n");
                    it.uv(&["lock", "--quiet", "--project", "projects/gamma"]);
                },
                "failure",
                "it came through gamma -> alpha -> jinja2; imported at projects/alpha/src/alpha/__init__.py:30",
            )
        },
        row("no fixed version", |it| depends(it, "ecdsa==0.19.0"), "failure", "no fixed version yet"),
    ]);
}

#[test]
fn what_ships() {
    check_planted(&[
        row(
            "in an extra: it ships",
            |it| {
                depends(it, "idna>=3");
                it.replace(
                    "projects/alpha/pyproject.toml",
                    "\n[build-system]",
                    "\n[project.optional-dependencies]\nnet = [\"urllib3==2.0.5\"]\n\n[build-system]",
                );
                it.uv(&["lock", "--quiet", "--project", "projects/alpha"]);
            },
            "failure",
            "urllib3 2.0.5",
        ),
        row(
            "in a group only: it does not ship",
            |it| {
                database(it);
                it.append("projects/alpha/pyproject.toml", "\n[dependency-groups]\ndev = [\"urllib3==2.0.5\"]\n");
                it.uv(&["lock", "--quiet", "--project", "projects/alpha"]);
            },
            "success",
            "1 third-party components",
        ),
        row(
            "on another platform only",
            |it| depends(it, "urllib3==2.0.5 ; sys_platform == 'win32'"),
            "success",
            "1 third-party components",
        ),
        Planted {
            project: "jinja2",
            ..row(
                "code of ours with the name of a vulnerable package",
                |it| {
                    database(it);
                    it.git(&["mv", "projects/alpha", "projects/jinja2"]);
                    it.git(&["mv", "projects/jinja2/src/alpha", "projects/jinja2/src/jinja2"]);
                    it.remove("projects/gamma");
                    it.replace("projects/jinja2/pyproject.toml", "name = \"alpha\"", "name = \"Jinja2\"");
                    it.replace("projects/jinja2/uv.lock", "name = \"alpha\"", "name = \"jinja2\"");
                },
                "success",
                "1 third-party components",
            )
        },
    ]);
}

#[test]
fn what_ships_out_of_sight() {
    check_planted(&[
        row(
            "in an extra that conflicts with another: it ships all the same",
            |it| {
                let extras = "\n[project.optional-dependencies]\nnew = [\"urllib3==2.0.7\"]\nold = [\"urllib3==2.0.5\"]\n\n[build-system]";
                depends(it, "idna>=3");
                it.replace("projects/alpha/pyproject.toml", "\n[build-system]", extras);
                let conflict = "\n[tool.uv]\nconflicts = [[{ extra = \"new\" }, { extra = \"old\" }]]\n";
                it.append("projects/alpha/pyproject.toml", conflict);
                it.uv(&["lock", "--quiet", "--project", "projects/alpha"]);
            },
            "failure",
            "a direct dependency with the extra old",
        ),
        Planted {
            line: Some(6),
            ..row(
                "a copy of a vulnerable package inside a wheel",
                |it| {
                    database(it);
                    let metadata = "Metadata-Version: 2.1\nName: urllib3\nVersion: 2.0.5\n";
                    it.write("projects/alpha/src/alpha/_vendor/urllib3-2.0.5.dist-info/METADATA", metadata);
                },
                "failure",
                "a copy inside alpha",
            )
        },
    ]);
}

#[test]
fn severities_and_waivers() {
    check_planted(&[
        row(
            "below a threshold that the project raised",
            |it| {
                depends(it, "jinja2==3.1.2");
                let raised = "\n[[tool.xtask.override]]\nsetting = \"vulnerabilities.severity\"\nvalue = \"high\"\nreason = \"offline\"\n";
                it.append("projects/alpha/pyproject.toml", raised);
            },
            "success",
            "GHSA-h5c8-rqwp-cp95",
        ),
        row(
            "waived by its advisory",
            |it| alpha_waives(it, "GHSA-wj6h-64fc-37mp", "2999-12-31"),
            "skipped",
            "signs nothing",
        ),
        row(
            "waived in other spellings",
            |it| {
                alpha_waives(it, "cve-2024-23342", "2999-12-31");
                it.replace("projects/alpha/pyproject.toml", "package = \"ecdsa\"", "package = \"ECDSA\"");
            },
            "skipped",
            "ops@example.org",
        ),
        row("waived by its CVE", |it| alpha_waives(it, "CVE-2024-23342", "2999-12-31"), "skipped", "ops@example.org"),
        row(
            "the waiver has expired",
            |it| alpha_waives(it, "CVE-2024-23342", "2020-01-01"),
            "failure",
            "expired on 2020-01-01",
        ),
        row(
            "the waiver is for another advisory",
            |it| alpha_waives(it, "CVE-2024-23343", "2999-12-31"),
            "failure",
            "ecdsa 0.19.0",
        ),
    ]);
}

#[test]
fn stray_settings_hide_nothing() {
    let ignore = "ignore:\n  - package:\n      type: python\ncheck-for-app-update: true\nonly-fixed: true\n";
    let sandbox = Sandbox::new();
    depends(&sandbox, "ecdsa==0.19.0");
    let home = sandbox.root.join("target/someones-home");
    for dir in [".", "projects/alpha", "target/someones-home", "target/someones-home/.config/grype"] {
        sandbox.write(&format!("{dir}/.grype.yaml"), ignore);
        sandbox.write(&format!("{dir}/.syft.yaml"), "exclude: ['**/ecdsa*/**']\ncatalogers: [none]\n");
        sandbox.write(&format!("{dir}/config.yaml"), ignore);
    }
    let cache = grype().ancestors().find(|it| it.file_name() == Some("tools")).and_then(Utf8Path::parent);
    let mut command = sandbox.command(&["stage", "vulnerabilities", "--project", "alpha"]);
    command.env("HOME", &home).env("XTASK_CACHE_DIR", cache.expect("a cache"));
    command.env("GRYPE_CONFIG", sandbox.root.join(".grype.yaml")).env("GRYPE_ONLY_FIXED", "true");
    command.env("GRYPE_IGNORE_STATES", "not-fixed").env("SYFT_EXCLUDE", "**/ecdsa*/**");
    let ran = finish(&mut command);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let cases = sandbox.junit("alpha", "vulnerabilities");
    assert!(cases.iter().any(|it| it.outcome == "failure" && it.message.contains("ecdsa")), "{cases:#?}");
}

/// Runs alpha with a database that is planted, on a CI machine and elsewhere.
fn with_database(plant: impl Fn(&Sandbox), on_ci: bool) -> (Sandbox, Ran) {
    let sandbox = Sandbox::new();
    plant(&sandbox);
    let mut command = sandbox.command(&["stage", "vulnerabilities", "--project", "alpha"]);
    if on_ci {
        command.env("CI", "true");
    }
    let ran = finish(&mut command);
    (sandbox, ran)
}

#[test]
fn without_a_fit_database_nothing_is_checked() {
    let damaged = |it: &Sandbox| {
        database(it);
        let path = it.root.join("target/vulnerability-db/6/vulnerability.db");
        let mut bytes = std::fs::read(&path).expect("a database");
        bytes[5_000] ^= 1;
        std::fs::write(&path, bytes).expect("a database");
    };
    let old = |it: &Sandbox| {
        let advisories = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grype-db.json");
        database_of(it, &advisories, "2021-01-31T00:00:00Z");
    };
    let absent = |it: &Sandbox| {
        database(it);
        it.remove("target/vulnerability-db");
    };
    let plants: [fn(&Sandbox); 3] = [absent, damaged, old];
    for (plant, says) in plants.into_iter().zip(["database does not exist", "checksum", "max allowed age is 5 days"]) {
        for (on_ci, code, outcome) in [(false, 0, "skipped"), (true, 2, "error")] {
            let (sandbox, ran) = with_database(plant, on_ci);
            assert_eq!(ran.code, code, "{says}: {}", ran.all());
            let cases = sandbox.junit("alpha", "vulnerabilities");
            assert!(cases.iter().all(|it| it.outcome == outcome && it.message.contains(says)), "{says}: {cases:#?}");
        }
    }
}

#[test]
fn a_database_that_knows_nothing_is_an_error() {
    let plant = |it: &Sandbox| {
        database(it);
        it.remove("target/vulnerability-db");
        it.git(&["checkout", "ci"]);
        it.write("target/none.json", "[]");
        database_of(it, &it.root.join("target/none.json"), "2999-01-31T00:00:00Z");
    };
    let (sandbox, ran) = with_database(plant, false);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let cases = sandbox.junit("alpha", "vulnerabilities");
    assert!(cases[0].message.contains("does not know that pyyaml 5.3.1"), "{cases:#?}");
}

#[test]
fn a_wrong_checksum_is_the_end() {
    let sandbox = Sandbox::new();
    sandbox.write("target/grype.tar.gz", "not grype");
    let mirror = format!("[mirrors]\ngrype = \"file://{}/target/grype.tar.gz\"\n", sandbox.root);
    sandbox.append("ci/xtask.toml", &mirror);
    let tools =
        grype().ancestors().find(|it| it.file_name() == Some("tools")).expect("tools are in a directory `tools`");
    let cache = sandbox.root.join("target/cache");
    std::fs::create_dir_all(cache.join("tools")).expect("a directory");
    for entry in tools.read_dir_utf8().expect("a directory") {
        let path = entry.expect("an entry").into_path();
        let name = path.file_name().expect("a name");
        if !name.starts_with("grype") {
            std::os::unix::fs::symlink(&path, cache.join("tools").join(name)).expect("a link");
        }
    }
    // A Go that would build it is there: it must not be asked.
    sandbox.write("target/bin/go", "#!/bin/sh\ntouch \"$0.was-asked\"\nexit 1\n");
    run(Command::new("chmod").args(["+x", sandbox.root.join("target/bin/go").as_str()]));
    let path = std::env::var("PATH").expect("a PATH");
    let without_grype: Vec<&str> = path.split(':').filter(|dir| !Utf8Path::new(dir).join("grype").exists()).collect();
    let path = format!("{}/target/bin:{}", sandbox.root, without_grype.join(":"));
    let mut command = sandbox.command(&["stage", "vulnerabilities", "--project", "beta"]);
    let ran = finish(command.env("XTASK_CACHE_DIR", &cache).env("PATH", path));
    assert_eq!(ran.code, 2, "{}", ran.all());
    let cases = sandbox.junit("beta", "vulnerabilities");
    assert!(cases.iter().all(|it| it.outcome == "error" && it.message.contains("sha256")), "{cases:#?}");
    assert!(!sandbox.root.join("target/bin/go.was-asked").exists(), "a wrong checksum fell through to go install");
    assert!(!find_any(&cache, "**/grype"), "something was installed all the same");
}

fn find_any(dir: &Utf8Path, pattern: &str) -> bool {
    glob::glob(&format!("{dir}/{pattern}")).expect("a glob").any(|it| it.is_ok_and(|path| path.is_file()))
}
