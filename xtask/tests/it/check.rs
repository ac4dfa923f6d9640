//! `emit --check`: the real schema and the rules, on files and on standard input; what emit itself makes passes both.

use std::io::Write;
use std::process::Stdio;

use crate::support::{Ran, Sandbox};

fn piped(sandbox: &Sandbox, args: &[&str], text: &str) -> Ran {
    let mut command = sandbox.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("xtask starts");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("xtask ends");
    let text = |it| String::from_utf8(it).expect("UTF-8");
    Ran { code: output.status.code().expect("a code"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn what_is_emitted_passes_the_schema_and_the_rules() {
    let sandbox = Sandbox::new();
    for shape in ["stage", "group", "project", "auto"] {
        let settings = sandbox.read("ci/xtask.toml");
        sandbox.write("ci/xtask.toml", settings.replace("jobs = \"auto\"", &format!("jobs = \"{shape}\"")));
        let emitted = sandbox.xtask(&["emit", "--all", "--output", "child.yml"]);
        assert_eq!(emitted.code, 0, "{}", emitted.all());
        let ran = sandbox.xtask(&["emit", "--check", "child.yml"]);
        assert_eq!(ran.code, 0, "{shape}: {}", ran.all());
        assert!(ran.stdout.starts_with("child.yml: valid as a child pipeline on GitLab "), "{}", ran.all());
        sandbox.write("ci/xtask.toml", settings);
    }
}

#[test]
fn our_own_parent_and_component_pass() {
    let sandbox = Sandbox::new();
    let root = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let mut files = vec![root.join(".gitlab-ci.yml")];
    for entry in root.join("templates").read_dir_utf8().expect("templates") {
        files.push(entry.expect("an entry").into_path());
    }
    assert!(files.len() > 1, "there is a component");
    for file in files {
        let ran = sandbox.xtask(&["emit", "--check", file.as_str()]);
        assert_eq!(ran.code, 0, "{}", ran.all());
        assert!(!ran.stdout.contains("warning"), "{}", ran.all());
    }
}

#[test]
fn mistakes_are_named_with_their_line_and_source() {
    let sandbox = Sandbox::new();
    // What the schema sees, what only the rules see, and both at once.
    let cases = [
        ("j:\n  script: [x]\n  artifacts:\n    reports: {junit: 3}\n", "[schema] j.artifacts.reports.junit: 3 is not"),
        ("j:\n  script: [x]\n  nonsense: 1\n", "[schema] "),
        ("j:\n  script: [x]\n  needs: [k]\n", "-:3: [needs-missing] `j` needs `k`, which is no job here"),
        ("j: [", "-:2: [yaml] "),
    ];
    for (text, wanted) in cases {
        let ran = piped(&sandbox, &["emit", "--check", "-", "--level", "parent"], text);
        assert_eq!(ran.code, 1, "{}", ran.all());
        assert!(ran.stdout.contains(wanted), "{wanted}\n{}", ran.all());
    }
    // In a child, which a program writes, a trap is an error; in a parent, whose author may mean it, a warning.
    let text = "j:\n  script: [x]\n  rules: [{when: manual}]\n";
    let ran = piped(&sandbox, &["emit", "--check", "-"], text);
    assert!(ran.code == 1 && ran.stdout.contains("-:3: [manual-blocks]"), "{}", ran.all());
    let ran = piped(&sandbox, &["emit", "--check", "-", "--level", "parent"], text);
    assert!(ran.code == 0 && ran.stdout.contains("warning: -:3: [manual-blocks]"), "{}", ran.all());
    let ran = sandbox.xtask(&["emit", "--check", "nothing.yml"]);
    assert!(ran.code == 2 && ran.stderr.contains("could not read"), "{}", ran.all());
}
