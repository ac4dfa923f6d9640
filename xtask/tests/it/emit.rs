//! The child pipeline through the real binary, and the plans that its jobs hand to `stage`.

use camino::Utf8Path;

use crate::support::{Ran, Sandbox, cases, finish};

/// A part of a plan as a job of the pipeline has it.
pub fn part(run: &str, jobs: &[&str], elsewhere: &[&str]) -> String {
    let projects: Vec<serde_json::Value> = ["alpha", "beta", "gamma"]
        .iter()
        .map(
            |it| serde_json::json!({"name": it, "path": format!("projects/{it}"), "selected": true, "reason": "asked"}),
        )
        .collect();
    serde_json::json!({
        "schema": 1, "run": run, "base": null, "head": "work tree", "projects": projects, "jobs": jobs, "elsewhere": elsewhere,
    })
    .to_string()
}

/// Runs `stage` as a job of the pipeline does.
pub fn handed(sandbox: &Sandbox, plan: &str, args: &[&str]) -> Ran {
    finish(sandbox.command(args).env("XTASK_PLAN", plan))
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/beta/src/beta/__init__.py", "\n\nANSWER = 42\n");
    let first = sandbox.xtask(&["emit", "--base", "HEAD"]);
    assert_eq!(first.code, 0, "{}", first.all());
    assert!(first.stderr.contains("jobs in active pipelines"), "{}", first.all());
    let second = sandbox.xtask(&["emit", "--base", "HEAD", "--output", "target/ci/child.yml"]);
    assert_eq!((second.code, second.stdout.as_str()), (0, ""), "{}", second.all());
    assert_eq!(sandbox.read("target/ci/child.yml"), first.stdout);
    assert!(first.stdout.contains("# beta.ruff and "), "{}", first.stdout);
    assert!(!first.stdout.contains("alpha"), "{}", first.stdout);
}

#[test]
fn what_the_surroundings_say() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "a$(id)`id`"]);
    sandbox.append("projects/beta/src/beta/__init__.py", "\n\nANSWER = 42\n");
    let mut command = sandbox.command(&["emit", "--base", "a$(id)`id`"]);
    command.env("CI_COMMIT_BRANCH", "main").env("CI_DEFAULT_BRANCH", "main").env("XTASK_IMAGE", "r.example.org/ci:1");
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for words in ["name: r.example.org/ci:1\n", "publish: target/ci/site\n", "\\u0024(id)`id`"] {
        assert!(ran.stdout.contains(words), "no {words:?} in:\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("$("), "{}", ran.stdout);
    // On the default branch the site is replaced as a whole.
    assert!(ran.stdout.contains("# alpha.pages and 2 more"), "{}", ran.stdout);
}

#[test]
fn nothing_to_do_needs_no_repository() {
    let sandbox = Sandbox::new();
    let ran = sandbox.xtask(&["emit", "--base", "HEAD"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let line = ran.stdout.lines().find_map(|it| it.trim().strip_prefix("XTASK_PLAN: '")).expect("a plan");
    let plan = line.trim_end_matches('\'').to_owned();
    let dir = tempfile::tempdir().expect("a directory");
    let ran = finish(sandbox.command(&["stage"]).env("XTASK_PLAN", plan).current_dir(dir.path()));
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.starts_with("nothing to do"), "{}", ran.all());
    let file = Utf8Path::from_path(dir.path()).expect("UTF-8").join("target/ci/junit.xml");
    assert_eq!(cases(&std::fs::read_to_string(file).expect("a report")).len(), 1);
}

#[test]
fn a_red_project_holds_back_its_own_build_and_no_other() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/alpha/src/alpha/__init__.py", "import os\n");
    let ruff = part("1", &["alpha.ruff", "beta.ruff"], &[]);
    let ran = handed(&sandbox, &ruff, &["stage", "ruff"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let last = ran.stdout.lines().last().expect("a line");
    let again =
        format!("reproduce: xtask stage ruff --project alpha beta --head {}", sandbox.git(&["rev-parse", "HEAD"]));
    assert!(last.starts_with(again.trim()), "{last}");
    let build = part("1", &["alpha.build", "beta.build"], &["alpha.ruff", "beta.ruff"]);
    let ran = handed(&sandbox, &build, &["stage", "build"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert_eq!(sandbox.junit("alpha", "build")[0].outcome, "skipped");
    assert!(sandbox.junit("alpha", "build")[0].message.contains("needs ruff, which is not green"), "{}", ran.all());
    assert!(sandbox.junit("beta", "build").iter().all(|it| it.outcome == "success"), "{}", ran.all());
    // What another job has reported is not reported twice.
    assert!(!sandbox.root.join("target/ci/junit/alpha.ruff.xml").exists());
    // The project that is not red alone is green, and a verdict of another run says nothing.
    let alone = part("1", &["beta.build"], &["beta.ruff"]);
    assert_eq!(handed(&sandbox, &alone, &["stage", "build", "--project", "beta"]).code, 0);
    let other = part("2", &["beta.build"], &["beta.ruff"]);
    let ran = handed(&sandbox, &other, &["stage", "build"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert!(ran.stderr.contains("ruff (only the verdict of another run"), "{}", ran.all());
    let missing = part("1", &["beta.build"], &["beta.ruff", "beta.pytest"]);
    let ran = handed(&sandbox, &missing, &["stage", "build"]);
    assert_eq!(ran.code, 3, "{}", ran.all());
    assert!(ran.stderr.contains("needs pytest (no verdict came from its job)"), "{}", ran.all());
}

#[test]
fn a_whole_plan_is_run_as_it_is() {
    let sandbox = Sandbox::new();
    sandbox.append("projects/beta/src/beta/__init__.py", "\n\nANSWER = 42\n");
    let plan = sandbox.xtask(&["plan", "--base", "HEAD", "--json"]);
    sandbox.commit("what was planned is now the head");
    sandbox.write("plan.json", &plan.stdout);
    let ran = sandbox.xtask(&["stage", "ruff", "radon", "--plan", "plan.json"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains("2 ok of 2 jobs"), "{}", ran.all());
}

#[test]
fn a_plan_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    for (plan, words) in [
        ("{}".to_owned(), "the plan that was handed over is none"),
        (part("1", &["delta.ruff"], &[]), "there is no project `delta`"),
        (part("1", &["alpha.rufff"], &[]), "did you mean `ruff`?"),
        (part("1", &["alpha"], &[]), "`alpha` in the plan that was handed over is no PROJECT.STAGE"),
        (part("1", &["alpha.radon"], &[]), "no job of ruff"),
        (part("1", &["alpha.ruff"], &[]).replace("\"schema\":1", "\"schema\":2"), "has schema 2"),
        ("no-such-file.json".to_owned(), "could not read the plan no-such-file.json"),
    ] {
        let ran = handed(&sandbox, &plan, &["stage", "ruff"]);
        assert_eq!(ran.code, 2, "{plan}: {}", ran.all());
        assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.all());
    }
    let ran = sandbox.xtask(&["stage"]);
    assert!(ran.code == 2 && ran.stderr.contains("name a stage"), "{}", ran.all());
}

#[test]
fn settings_that_gitlab_would_refuse() {
    let sandbox = Sandbox::new();
    for (line, words) in [
        ("minimum-version = \"16.0\"", "too old"),
        ("minimum-version = \"new\"", "no GitLab version"),
        ("tier = \"gold\"", "gold"),
        ("jobs = \"many\"", "many"),
        ("retry = 3", "at most twice"),
        ("runners = 0", "gitlab.runners"),
        ("platforms = []", "no platform"),
        ("platforms = [\"linux/arm64\", \"linux/arm64\"]", "twice"),
        ("expire-in = \"$(x)\"", "no time"),
        ("tags = { \"linux/arm64\" = [\"a b\"] }", "gitlab.tags"),
        ("image = { \"linux/arm64\" = \"a b\" }", "no image name"),
        ("imge = \"x\"", "imge"),
    ] {
        let settings =
            format!("projects = [\"projects/*\"]\n[gitlab]\n{line}\n[grype]\nversion = \"1\"\nsha256 = {{}}\n");
        sandbox.write("ci/xtask.toml", settings);
        let ran = sandbox.xtask(&["emit", "--all"]);
        assert_eq!(ran.code, 2, "{line}: {}", ran.all());
        assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.all());
    }
}

/// Its jobs would end with exit code 2, every one of them.
#[test]
fn what_no_run_begins_with_becomes_no_pipeline() {
    type Plant = fn(&Sandbox);
    let rows: [(Plant, &str); 5] = [
        (
            |it| {
                it.replace("projects/alpha/pyproject.toml", "\"idna==3.7\"", "\"idna==3.7\", \"gamma\"");
                it.append("projects/alpha/pyproject.toml", "\n[tool.uv.sources]\ngamma = { path = \"../gamma\" }\n");
            },
            "projects depend on each other in a cycle: alpha -> gamma -> alpha",
        ),
        (|it| it.write("projects/odd/pyproject.toml", "# nothing\n"), "projects/odd/pyproject.toml is empty"),
        (
            |it| it.append("projects/beta/pyproject.toml", "\n[tool.xtask]\ninputs = [\"../***\"]\n"),
            "projects/beta/pyproject.toml: `../***` in `[tool.xtask] inputs` is no glob",
        ),
        (
            |it| it.write("pyproject.toml", "[tool.uv.workspace]\nmembers = [\"projects/[\"]\n"),
            "pyproject.toml: `projects/[` in tool.uv.workspace is no glob",
        ),
        (
            |it| {
                it.git(&["init", "-q", "projects/sub"]);
                it.write("projects/sub/pyproject.toml", "[project]\nname = \"sub\"\nversion = \"1\"\n");
                it.git(&["-C", "projects/sub", "add", "-A"]);
                let who = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-C", "projects/sub"];
                it.git(&[&who[..], &["commit", "-q", "-m", "sub"]].concat());
            },
            "projects/sub/pyproject.toml is in the git submodule projects/sub",
        ),
    ];
    for (plant, words) in rows {
        let sandbox = Sandbox::new();
        plant(&sandbox);
        sandbox.commit("planted");
        // Be it what has changed or not.
        for args in [&["ci", "--all"][..], &["ci", "--base", "HEAD"], &["emit", "--all"], &["emit", "--base", "HEAD"]] {
            let ran = sandbox.xtask(args);
            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words} {args:?}: {}", ran.all());
            assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.all());
        }
        let ran = sandbox.xtask(&["plan", "--all"]);
        assert!(ran.code == 0 && ran.stderr.contains(&format!("no run begins like this: {words}")), "{}", ran.all());
    }
}
