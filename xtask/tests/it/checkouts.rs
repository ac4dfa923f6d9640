//! Plans in checkouts that hold less than everything, or more than one expects, through the real binary.

use serde_json::Value;

use crate::support::Sandbox;

/// The names of the selected projects, or why everything is.
fn selected(sandbox: &Sandbox, args: &[&str]) -> String {
    let ran = sandbox.xtask(&[&["plan", "--json"], args].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    if let Some(why) = plan["all_because"].as_str() {
        return format!("everything: {why}");
    }
    let projects = plan["projects"].as_array().expect("projects").iter();
    let names = projects.filter(|it| it["selected"] == true).filter_map(|it| it["name"].as_str());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_sparse_checkout() {
    let sandbox = Sandbox::new();
    sandbox.git(&["sparse-checkout", "set", "projects/beta", "ci"]);
    assert!(!sandbox.root.join("projects/alpha").exists());
    assert_eq!(selected(&sandbox, &["--base", "HEAD"]), "");
    sandbox.append("projects/beta/src/beta/__init__.py", "\n# more\n");
    assert_eq!(selected(&sandbox, &["--base", "HEAD"]), "beta");
    let ran = sandbox.xtask(&["stage", "radon", "--base", "HEAD"]);
    assert!(ran.code == 0 && ran.stdout.contains("1 ok"), "{}", ran.all());
    // What is not there cannot be green.
    let ran = sandbox.xtask(&["stage", "radon", "--all"]);
    let said =
        "alpha is in the plan, and projects/alpha is not checked out; run `git sparse-checkout add projects/alpha`";
    assert!(ran.code == 2 && ran.stderr.contains(said), "{}", ran.all());
}

#[test]
fn a_base_that_is_damaged_or_not_here() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "-b", "topic"]);
    sandbox.append("projects/beta/pyproject.toml", "# more\n");
    sandbox.commit("topic");
    assert_eq!(selected(&sandbox, &[]), "beta");
    let object = |name: &str| {
        let id = sandbox.git(&["rev-parse", name]);
        let (dir, rest) = id.trim_end().split_at(2);
        sandbox.root.join(".git/objects").join(dir).join(rest)
    };
    // First the file that differs, then the list of files.
    for name in ["main:projects/beta/pyproject.toml", "main^{tree}"] {
        std::fs::remove_file(object(name)).expect("removed");
        let said = selected(&sandbox, &[]);
        assert!(said.starts_with("everything: the base ") && said.contains("cannot be read: "), "{name}: {said}");
    }
}

#[test]
fn names_of_others_do_not_steer_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("projects/beta/\u{1b}[2J\nalpha  all 13  a row of its own.txt", "1\n");
    for args in [&["plan", "--base", "HEAD"][..], &["plan", "--base", "HEAD", "--explain", "beta"]] {
        let ran = sandbox.xtask(args);
        assert!(ran.code == 0 && ran.stdout.contains(r"\u{1b}[2J\nalpha"), "{}", ran.all());
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains("\nalpha  all"), "{}", ran.all());
    }
    sandbox.write("other/a\nb", "1\n");
    let ran = sandbox.xtask(&["plan", "--base", "HEAD"]);
    assert!(ran.stdout.contains(r"everything runs: other/a\nb is in nobody's list"), "{}", ran.all());
}
