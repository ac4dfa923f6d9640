//! What a change can affect, through the real binary: one row for each kind of change.

use serde_json::Value;

use crate::support::Sandbox;

/// The plan since the last commit: a line for each project that is in it, with its stages.
fn plan(sandbox: &Sandbox) -> String {
    let ran = sandbox.xtask(&["plan", "--base", "HEAD", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    if let Some(why) = plan["all_because"].as_str() {
        lines.push(format!("everything: {why}"));
    }
    for project in plan["projects"].as_array().expect("projects") {
        let name = text(project, "name");
        let jobs = plan["jobs"].as_array().expect("jobs").iter().filter(|it| it["project"] == *name);
        let stages: Vec<String> = jobs.map(|it| text(it, "stage")).collect();
        assert_eq!(project["selected"], !stages.is_empty(), "{name}");
        if !stages.is_empty() && plan["all_because"].is_null() {
            let chain: Vec<&str> =
                project["chain"].as_array().expect("a chain").iter().filter_map(Value::as_str).collect();
            assert_eq!(chain.last(), Some(&name.as_str()), "{project}");
            lines.push(format!("{name}: {} | {}", stages.join(" "), text(project, "reason")));
        }
    }
    lines.join("\n")
}

const ALL: &str =
    "docker-build lock ruff radon type-check pytest license-check bandit semgrep sbom vulnerabilities build pages";
const CODE: &str = "ruff radon type-check pytest bandit semgrep sbom vulnerabilities build pages";
const TESTS: &str = "ruff radon type-check pytest bandit semgrep build pages";
/// What a dependant runs when code of a dependency that ships has changed; its SBOM is what grype reads.
const DEPENDANT: &str = "type-check pytest sbom vulnerabilities build pages";
const LOCKED: &str = "lock type-check pytest license-check sbom vulnerabilities build pages";
const DEV: &str = "lock type-check pytest pages";

/// What the plan says of a path that nobody knows.
fn unknown(path: &str) -> String {
    format!("everything: {path} is in nobody's list, and no rule of [[no-input]] in ci/xtask.toml names it nobody's")
}

struct Row {
    what: &'static str,
    plant: fn(&Sandbox),
    expected: Vec<String>,
}

fn row(what: &'static str, plant: fn(&Sandbox), expected: &[&str]) -> Row {
    Row { what, plant, expected: expected.iter().map(|it| (*it).to_owned()).collect() }
}

fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for row in rows {
        let sandbox = Sandbox::new();
        sandbox.write("schemas/prices.json", "{}\n");
        sandbox.append("projects/beta/pyproject.toml", "\n[tool.xtask]\ninputs = [\"../../schemas/**\"]\n");
        sandbox.write("notes/idea.txt", "an idea\n");
        sandbox.commit("an input");
        (row.plant)(&sandbox);
        let found = plan(&sandbox);
        let expected = row.expected.join("\n");
        if found != expected {
            wrong.push(format!("--- {}\nexpected:\n{expected}\nfound:\n{found}\n", row.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn files_of_a_project() {
    let code = "projects/alpha/src/alpha/__init__.py";
    let alpha = format!("alpha: {CODE} | {code} changed");
    let gamma = format!("gamma: {DEPENDANT} | {code} changed, which gamma needs");
    check(vec![
        row("nothing", |_| {}, &[]),
        row(
            "code of a library",
            |it| it.append("projects/alpha/src/alpha/__init__.py", "\nX = 1\n"),
            &[&alpha, &gamma],
        ),
        row(
            "a test of a library",
            |it| it.append("projects/alpha/tests/test_alpha.py", "\nX = 1\n"),
            &[&format!("alpha: {TESTS} | projects/alpha/tests/test_alpha.py changed")],
        ),
        row(
            "a readme",
            |it| it.append("projects/alpha/README.md", "\nMore.\n"),
            &["alpha: build pages | projects/alpha/README.md changed"],
        ),
        row(
            "a readme that is gone",
            |it| it.remove("projects/alpha/README.md"),
            &[
                "alpha: build pages | projects/alpha/README.md is gone",
                "gamma: lock type-check pytest license-check sbom vulnerabilities build pages | projects/alpha/README.md is gone, which gamma needs",
            ],
        ),
        row(
            "documentation",
            |it| it.append("projects/alpha/docs/index.rst", "\nMore.\n"),
            &["alpha: build pages | projects/alpha/docs/index.rst changed"],
        ),
        row(
            "data beside the code",
            |it| it.write("projects/alpha/src/alpha/table.csv", "1\n"),
            &[
                "alpha: pytest build pages | projects/alpha/src/alpha/table.csv is new",
                &format!("gamma: {DEPENDANT} | projects/alpha/src/alpha/table.csv is new, which gamma needs"),
            ],
        ),
        row(
            "a file that may be run",
            |it| it.chmod("projects/beta/src/beta/__init__.py", 0o755),
            &[&format!("beta: {CODE} | projects/beta/src/beta/__init__.py changed")],
        ),
        row(
            "an input by hand",
            |it| it.write("schemas/prices.json", "{\"a\": 1}\n"),
            &["beta: type-check pytest build pages | schemas/prices.json changed"],
        ),
    ]);
}

#[test]
fn manifests_and_locks() {
    check(vec![
        row(
            "settings of a checker",
            |it| it.append("projects/alpha/pyproject.toml", "\n[tool.pytest.ini_options]\naddopts = \"-q\"\n"),
            &[&format!("alpha: {ALL} | projects/alpha/pyproject.toml changed")],
        ),
        row(
            "a version",
            |it| it.replace("projects/alpha/pyproject.toml", "0.1.0", "0.2.0"),
            &[
                &format!("alpha: {ALL} | projects/alpha/pyproject.toml changed"),
                &format!("gamma: {LOCKED} | projects/alpha/pyproject.toml changed, which gamma needs"),
            ],
        ),
        row(
            "a group of a library, which its dependants' locks note",
            |it| it.append("projects/alpha/pyproject.toml", "\n[dependency-groups]\nmore = [\"idna\"]\n"),
            &[
                &format!("alpha: {ALL} | projects/alpha/pyproject.toml changed"),
                "gamma: lock | projects/alpha/pyproject.toml [dependency-groups] is new, which gamma needs",
            ],
        ),
        row(
            "how a lock is written",
            |it| {
                let path = "projects/alpha/uv.lock";
                let text = it.read(path).replace("upload-time = \"2", "upload-time = \"1").replace(" = ", "  =  ");
                it.write(path, format!("# a remark\n{text}"));
            },
            &[],
        ),
        row(
            "a package that ships",
            |it| {
                it.replace(
                    "projects/alpha/uv.lock",
                    "name = \"idna\"\nversion = \"3.7\"",
                    "name = \"idna\"\nversion = \"3.8\"",
                )
            },
            &[&format!("alpha: {LOCKED} | idna 3.7 -> 3.8 in projects/alpha/uv.lock")],
        ),
        row(
            "which Python",
            |it| it.replace("projects/alpha/uv.lock", ">=3.11", ">=3.12"),
            &[&format!("alpha: {LOCKED} | requires-python in projects/alpha/uv.lock changed")],
        ),
        row(
            "a development tool",
            |it| {
                it.append("projects/beta/uv.lock", "\n[[package]]\nname = \"odd\"\nversion = \"1\"\nsource = { registry = \"https://example.org/simple\" }\n");
                let line = "source = { editable = \".\" }\n";
                it.replace(
                    "projects/beta/uv.lock",
                    line,
                    &format!("{line}\n[package.dev-dependencies]\ndev = [{{ name = \"odd\" }}]\n"),
                );
                it.commit("a tool");
                it.replace(
                    "projects/beta/uv.lock",
                    "name = \"odd\"\nversion = \"1\"",
                    "name = \"odd\"\nversion = \"2\"",
                );
            },
            &[&format!("beta: {DEV} | odd 1 -> 2 in projects/beta/uv.lock")],
        ),
        row(
            "a lock that is gone",
            |it| it.remove("projects/beta/uv.lock"),
            &[&format!("beta: {LOCKED} | projects/beta/uv.lock is gone (and 4 more)")],
        ),
        row(
            "a lock that cannot be read",
            |it| it.write("projects/beta/uv.lock", "<<<<<<< HEAD\n"),
            &[&format!("beta: {LOCKED} | projects/beta/uv.lock cannot be read (and 4 more)")],
        ),
        row(
            "a project that moves",
            |it| {
                it.git(&["mv", "projects/alpha", "projects/omega"]);
                it.replace("projects/gamma/pyproject.toml", "../alpha", "../omega");
                it.replace("projects/gamma/uv.lock", "../alpha", "../omega");
            },
            &[
                &format!("alpha: {ALL} | moved from projects/alpha to projects/omega"),
                &format!("gamma: {ALL} | projects/gamma/pyproject.toml changed"),
            ],
        ),
        row(
            "a project that is gone",
            |it| it.remove("projects/alpha"),
            &[&format!("gamma: {LOCKED} | projects/alpha is gone, which gamma needs (and 2 more)")],
        ),
    ]);
}

#[test]
fn what_is_not_a_project() {
    let everywhere = |what: &'static str, plant: fn(&Sandbox), stages: &str, why: &str| {
        let lines = ["alpha", "beta", "gamma"].iter().map(|it| format!("{it}: {stages} | {why}"));
        Row { what, plant, expected: lines.collect() }
    };
    check(vec![
        everywhere("a policy file", |it| it.append("ci/ruff.toml", "\n# more\n"), "ruff", "ci/ruff.toml changed"),
        everywhere(
            "a rule file",
            |it| it.write("ci/semgrep/own.yaml", "rules: []\n"),
            "semgrep",
            "ci/semgrep/own.yaml is new",
        ),
        everywhere(
            "a threshold",
            |it| it.replace("ci/xtask.toml", "coverage = 75", "coverage = 76"),
            "pytest",
            "setting pytest in ci/ changed",
        ),
        row(
            "a waiver",
            |it| {
                it.append("ci/xtask.toml", "\n[[waiver]]\nstage = \"bandit\"\nrule = \"B1*\"\nproject = \"b*\"\nowner = \"a@example.org\"\nreason = \"r\"\nexpires = 2099-01-01\n")
            },
            &["beta: bandit | waiver B1* in ci/ is new"],
        ),
        row("where projects are", |it| it.replace("ci/xtask.toml", "exclude = [\"", "exclude = [\"x\", \""), &[]),
        row("a text about the repository", |it| it.write("docs/more.md", "More.\n"), &[]),
        row("a text above projects", |it| it.write("projects/docs/more.md", "More.\n"), &[]),
        row("a note for a release", |it| it.write(".changeset/x.md", "More.\n"), &[]),
        row(
            "a site of documentation",
            |it| {
                it.write("website/docusaurus.config.ts", "\n");
                it.write("website/package-lock.json", "{}\n");
            },
            &[],
        ),
        row(
            "the same without what makes it one",
            |it| it.write("website/package-lock.json", "{}\n"),
            &[&unknown("website/package-lock.json")],
        ),
        row(
            "a .NET solution",
            |it| {
                it.write("dotnet/All.slnx", "\n");
                it.write("dotnet/src/appsettings.json", "{}\n");
            },
            &[],
        ),
        row(
            "what such a solution may share",
            |it| {
                it.write("dotnet/All.slnx", "\n");
                it.write("dotnet/src/api.proto", "\n");
            },
            &[&unknown("dotnet/src/api.proto")],
        ),
        row(
            "a Python project for itself",
            |it| {
                it.write("samples/chat/pyproject.toml", "[project]\nname = \"chat\"\n");
                it.write("samples/chat/uv.lock", "version = 1\n");
                it.write("samples/chat/app.py", "\n");
            },
            &[],
        ),
        row(
            "one that others may install",
            |it| it.write("samples/chat/pyproject.toml", "[project]\nname = \"chat\"\n"),
            &[&unknown("samples/chat/pyproject.toml")],
        ),
        row(
            "a solution where projects are",
            |it| {
                it.write("projects/All.sln", "\n");
                it.write("projects/notes.txt", "\n");
            },
            &[&format!("{} (and 1 more)", unknown("projects/All.sln"))],
        ),
        row("a path that nobody knows", |it| it.append("notes/idea.txt", "more\n"), &[&unknown("notes/idea.txt")]),
    ]);
}
