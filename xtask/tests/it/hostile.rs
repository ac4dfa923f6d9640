//! Directories and projects with names that have hurt somebody somewhere: each is taken as it is by every command, or refused
//! by `ci` and `emit` alike, before anything is written.

use crate::support::{Sandbox, finish};

/// A copy of `beta` in a directory of this name, as a project of that name.
fn add(sandbox: &Sandbox, dir: &str, name: &str) {
    let at = format!("projects/{dir}");
    for file in ["pyproject.toml", "uv.lock", "README.md", "src/beta/__init__.py", "tests/test_beta.py"] {
        let text = sandbox.read(&format!("projects/beta/{file}"));
        let quoted = serde_json::to_string(name).expect("a text");
        let text = text.replacen("name = \"beta\"", &format!("name = {quoted}"), 1);
        let backend = "[tool.uv.build-backend]\nmodule-name = \"beta\"\n\n[tool.ruff]";
        sandbox.write(&format!("{at}/{file}"), text.replacen("[tool.ruff]", backend, 1));
    }
}

/// Names of directories; one of 250 characters comes to them.
const ODD: &[&str] = &[
    "a$(touch pwned)",
    "b`touch pwned`",
    "c$[[ inputs.x ]]",
    "$CI_JOB_TOKEN",
    "${HOME}",
    "-leading",
    "--all",
    "\u{1f980}crab",
    "\u{65e5}\u{672c}",
    "e\u{301}",
    "end.",
    "end ",
    " start",
    "a: b",
    "# x",
    "it's \"q\"",
    "a,b",
    "100%",
    "a\u{200b}b",
    "$HOME",
    "\u{202e}gnp",
    "&anchor",
    "!!tag",
    "true",
    "pages",
    "default",
    "a;b|c",
];

#[test]
fn odd_directories_are_taken_as_they_are() {
    let long = "n".repeat(250);
    let odd: Vec<&str> = ODD.iter().copied().chain([long.as_str()]).collect();
    let sandbox = Sandbox::new();
    for (number, dir) in odd.iter().enumerate() {
        add(&sandbox, dir, &format!("odd-{number}"));
    }
    sandbox.commit("odd");
    let ran = sandbox.xtask(&["stage", "ruff", "lock", "--all"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains(&format!("{} ok of", 2 * (odd.len() + 3))), "{}", ran.all());
    // coverage.py, pytest and ty know variables in paths, coverage.py also commas and signs that cannot be seen.
    let with = |signs: &[char]| {
        let names = odd.iter().enumerate().filter(|it| it.1.contains(signs)).map(|it| format!("odd-{}", it.0));
        names.collect::<Vec<_>>()
    };
    let names = with(&['$', ',', '\u{200b}', '\u{202e}']);
    let mut args = vec!["stage", "type-check", "pytest", "build", "--project"];
    args.extend(names.iter().map(String::as_str));
    let ran = sandbox.xtask(&args);
    assert_eq!((ran.code, names.len()), (0, 8), "{}", ran.all());
    for dir in ["a,b", "\u{202e}gnp"] {
        let number = odd.iter().position(|it| *it == dir).expect("it is in the list");
        let cobertura = sandbox.read(&format!("target/ci/reports/odd-{number}/coverage.xml"));
        assert!(cobertura.contains(&format!("filename=\"projects/{dir}/src/beta/__init__.py\"")), "{cobertura}");
    }
    let made = sandbox.xtask(&["emit", "--all", "--output", "child.yml"]);
    assert_eq!(made.code, 0, "{}", made.all());
    let text = sandbox.read("child.yml");
    assert!(!text.contains("$(") && !text.contains("$[[") && !text.contains("${HOME}"), "{text}");
    // Nothing expands a backtick in a variable; in a script a shell would.
    let is_data = |it: &&str| it.starts_with('#') || it.trim().starts_with("XTASK_PLAN: ");
    let odd: Vec<&str> = text.lines().filter(|it| !is_data(it) && it.contains('`')).collect();
    assert_eq!(odd, Vec::<&str>::new());
    let checked = sandbox.xtask(&["emit", "--check", "child.yml"]);
    assert_eq!(checked.code, 0, "{}", checked.all());
    // What a job of it is handed leads to the same projects.
    let plan =
        text.lines().filter_map(|it| it.trim().strip_prefix("XTASK_PLAN: '")).find(|it| it.contains("odd-0.radon"));
    let plan = plan.expect("a plan").trim_end_matches('\'').replace("''", "'");
    let ran = finish(sandbox.command(&["stage", "radon"]).env("XTASK_PLAN", plan));
    assert!(ran.code == 0 && ran.stdout.contains(" odd-0 "), "{}", ran.all());
    assert!(!sandbox.root.join("pwned").exists());
}

#[test]
fn what_no_tool_reads_is_refused_by_all() {
    let long = "n".repeat(151);
    let rows = [
        // directory, name, the words
        ("new\nline", "x", "\"projects/new\\nline/pyproject.toml\": no tool reads a path with a line break"),
        ("tab\there", "x", "no tool reads a path"),
        ("e\u{1b}[31m", "x", "no tool reads a path"),
        ("a\u{7f}", "x", "no tool reads a path"),
        ("a\u{85}b", "x", "no tool reads a path"),
        ("back\\slash", "x", "\"projects/back\\\\slash/pyproject.toml\": coverage.py takes a backslash in a path"),
        ("a\u{2028}b", "x", "\"projects/a\\u{2028}b/pyproject.toml\": Python ends a line of a .pth file at U+2028"),
        ("a\u{2029}b", "x", "; rename it"),
        ("x", "-x$(id)", "projects/x/pyproject.toml: `-x$(id)` is no valid project name"),
        ("x", "a b", "no valid project name"),
        ("x", "a\nb", "no valid project name"),
        ("x", "\u{e9}t\u{e9}", "no valid project name"),
        ("x", "", "no valid project name"),
        ("x", "../x", "no valid project name"),
        ("x", &long, "projects/x/pyproject.toml: `nnnnnnnnnnnnnnnnnnnn...` has 151 characters"),
        ("x", "Alpha", "two projects are named `alpha`"),
    ];
    for (dir, name, words) in rows {
        let sandbox = Sandbox::new();
        add(&sandbox, dir, name);
        for args in [&["ci", "--all"][..], &["emit", "--all", "--output", "child.yml"]] {
            let ran = sandbox.xtask(args);
            assert_eq!(ran.code, 2, "{dir:?} {name:?} {args:?}: {}", ran.all());
            assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.all());
            assert_eq!(ran.stderr.lines().filter(|it| it.starts_with("error: ")).count(), 1, "{}", ran.all());
        }
        let ran = sandbox.xtask(&["doctor"]);
        assert!(ran.code == 1 && ran.stdout.contains("no run begins, for this is refused: "), "{dir:?}: {}", ran.all());
        assert!(
            !sandbox.root.join("child.yml").exists() && !sandbox.root.join("target/ci/junit").exists(),
            "{dir:?} {name:?}"
        );
    }
}

#[test]
fn where_a_repository_can_be() {
    for (dir, words) in [
        ("a\\b", "coverage.py takes a backslash"),
        ("a\u{2028}b", "U+2028"),
        ("a\nb", "no tool reads a path with a line break"),
        ("of $HOME", "as a variable"),
        ("${X}", "as a variable"),
    ] {
        let sandbox = Sandbox::in_directory(dir);
        for args in [&["ci"][..], &["stage", "ruff", "--all"], &["emit", "--all"], &["doctor"], &["plan"]] {
            let ran = sandbox.xtask(args);
            let expected = if args == ["plan"] { 0 } else { 2 - i32::from(args == ["doctor"]) };
            assert!(ran.code == expected && ran.all().contains(words), "{dir:?} {args:?}: {}", ran.all());
        }
    }
    let sandbox = Sandbox::in_directory("a,b: 100% 5$ \u{202e}x");
    let ran = sandbox.xtask(&["ci", "--project", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

#[test]
fn names_that_gitlab_keeps_for_itself_are_names_of_projects() {
    let sandbox = Sandbox::new();
    let names = ["image", "pages", "true", "null", "default", "stages", "include", "workflow", "n1", "1-2"];
    let long = "n".repeat(150);
    for name in names.iter().copied().chain([long.as_str()]) {
        add(&sandbox, name, name);
    }
    for shape in ["stage", "project"] {
        let settings = sandbox.read("ci/xtask.toml").replace("jobs = \"auto\"", &format!("jobs = \"{shape}\""));
        sandbox.write("ci/xtask.toml", settings);
        let made = sandbox.xtask(&["emit", "--all", "--output", "child.yml"]);
        assert_eq!(made.code, 0, "{}", made.all());
        let checked = sandbox.xtask(&["emit", "--check", "child.yml"]);
        assert_eq!(checked.code, 0, "{shape}: {}", checked.all());
    }
    let ran = sandbox.xtask(&["stage", "ruff", "lock", "--all"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}
