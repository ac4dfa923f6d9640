//! Planted mistakes: pytest.

use crate::support::{Case, Planted, Ran, Sandbox, check_planted, finish};

const TESTS: &str = "projects/beta/tests/test_beta.py";
const CODE: &str = "projects/beta/src/beta/__init__.py";

fn beta(what: &'static str, plant: fn(&Sandbox), outcome: &'static str, says: &'static str) -> Planted {
    Planted { what, stage: "pytest", project: "beta", plant, outcome, file: None, line: None, says }
}

/// One module of `all` statements, of which its import runs `covered`.
fn covered(it: &Sandbox, covered: usize, all: usize) {
    let text = "x = 1\n".repeat(covered - 1) + "if x == 2:\n" + &"    x = 3\n".repeat(all - covered);
    it.write(CODE, text);
    it.write(TESTS, "import beta\n\n\ndef test_x():\n    assert beta.x == 1\n");
}

fn failing(it: &Sandbox) {
    it.append(TESTS, "\n\ndef test_that_fails() -> None:\n    assert 1 == 2\n");
}

fn line_of(text: &str, words: &str) -> u32 {
    text.lines().position(|line| line.contains(words)).expect("a line") as u32 + 1
}

#[test]
fn a_failing_test_has_its_file_and_line() {
    let sandbox = Sandbox::new();
    failing(&sandbox);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "alpha", "beta", "gamma"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let line = line_of(&sandbox.read(TESTS), "assert 1 == 2");
    let case = red(&sandbox, "beta");
    assert_eq!((case.outcome, case.file.as_deref(), case.line), ("failure", Some(TESTS), Some(line)));
    assert!(case.name.ends_with("tests/test_beta.py::test_that_fails"), "{case:?}");
    assert!(ran.stdout.contains(&format!("{TESTS}:{line}: ")), "{}", ran.all());
    for project in ["alpha", "gamma"] {
        assert!(sandbox.junit(project, "pytest").iter().all(|it| it.outcome == "success"));
    }
}

/// The one red case of a project.
fn red(sandbox: &Sandbox, project: &str) -> Case {
    let mut red = sandbox.junit(project, "pytest");
    red.retain(|it| it.outcome == "failure" || it.outcome == "error");
    assert_eq!(red.len(), 1, "{red:#?}");
    red.remove(0)
}

fn notes(sandbox: &Sandbox, project: &str) -> String {
    sandbox.read(&format!("target/ci/junit/{project}.pytest.xml"))
}

#[test]
fn coverage_and_nothing_tested() {
    check_planted(&[
        Planted {
            file: Some(CODE),
            line: Some(750),
            ..beta("74.9 % covered", |it| covered(it, 749, 1000), "failure", "74.90 % of the lines")
        },
        beta("75 % covered", |it| covered(it, 750, 1000), "success", "test_x"),
        Planted {
            file: Some("projects/beta/src/beta/unused.py"),
            line: Some(1),
            ..beta(
                "a module that no test imports",
                |it| it.write("projects/beta/src/beta/unused.py", "x = 1\n".repeat(50)),
                "failure",
                "coverage",
            )
        },
        Planted {
            file: Some("projects/beta/pyproject.toml"),
            line: Some(1),
            ..beta("no tests", |it| it.remove("projects/beta/tests"), "failure", "collected no test")
        },
        beta(
            "every test is skipped",
            |it| it.write(TESTS, "import pytest\n\n\n@pytest.mark.skip\ndef test_x():\n    pass\n"),
            "failure",
            "all 1 tests were skipped",
        ),
        beta(
            "a module that is skipped as a whole",
            |it| it.write(TESTS, "import pytest\n\npytest.importorskip('nothing_like_this')\n"),
            "failure",
            "were skipped",
        ),
        beta(
            "own code without a statement",
            |it| {
                it.write(CODE, "\"\"\"Nothing.\"\"\"\n");
                it.write(TESTS, "def test_x():\n    assert True\n");
            },
            "failure",
            "nothing was measured",
        ),
        beta(
            "all own code is left out by a comment",
            |it| {
                it.write(CODE, "if True:  # pragma: no cover\n    x = 1\n");
                it.write(TESTS, "def test_x():\n    assert True\n");
            },
            "failure",
            "nothing was measured",
        ),
    ]);
}

#[test]
fn settings_that_weaken_have_no_effect() {
    check_planted(&[
        beta(
            "options that hide a failing test",
            |it| {
                failing(it);
                let text = "\n[tool.pytest.ini_options]\naddopts = \"-k 'not fails' -x --co --ignore tests -p no:terminal --deselect=tests\"\n";
                it.append("projects/beta/pyproject.toml", text);
            },
            "failure",
            "test_that_fails",
        ),
        beta(
            "the same in a pytest.ini",
            |it| {
                failing(it);
                it.write("projects/beta/pytest.ini", "[pytest]\naddopts = -m nothing --lf --collect-only\n");
            },
            "failure",
            "test_that_fails",
        ),
        beta(
            "the same in a setup.cfg",
            |it| {
                failing(it);
                it.write("projects/beta/setup.cfg", "[tool:pytest]\naddopts = --maxfail=0\n    --collect-only\n");
            },
            "failure",
            "test_that_fails",
        ),
        beta(
            "coverage switched off in addopts",
            |it| {
                covered(it, 10, 100);
                it.write(
                    "projects/beta/pytest.ini",
                    "[pytest]\naddopts = --no-cov -p no:pytest_cov --cov-fail-under=1\n",
                );
            },
            "failure",
            "10.00 % of the lines",
        ),
        beta(
            "a .coveragerc that leaves everything out",
            |it| {
                covered(it, 10, 100);
                let text = "[run]\nomit = *\nbranch = true\n[report]\nexclude_also = .\nfail_under = 0\n";
                it.write("projects/beta/.coveragerc", text);
            },
            "failure",
            "10.00 % of the lines",
        ),
        beta(
            "coverage settings in the manifest",
            |it| {
                covered(it, 10, 100);
                let text = "\n[tool.coverage.run]\nomit = [\"*\"]\nsource = [\"tests\"]\n\n[tool.coverage.report]\nexclude_also = [\"x\"]\n";
                it.append("projects/beta/pyproject.toml", text);
            },
            "failure",
            "10.00 % of the lines",
        ),
        beta(
            "settings and a conftest.py above the project",
            |it| {
                it.write("pytest.ini", "[pytest]\naddopts = --collect-only\n");
                it.write("conftest.py", "import os\nos._exit(0)\n");
                it.write("projects/conftest.py", "import os\nos._exit(0)\n");
            },
            "success",
            "tests/test_beta.py::",
        ),
    ]);
}

#[test]
fn a_run_that_stops_is_not_green() {
    let stopped = "did not come to its end";
    check_planted(&[
        beta(
            "sys.exit(0) in conftest.py",
            |it| it.write("projects/beta/tests/conftest.py", "import sys\nsys.exit(0)\n"),
            "error",
            stopped,
        ),
        beta(
            "os._exit(0) in conftest.py",
            |it| it.write("projects/beta/conftest.py", "import os\nos._exit(0)\n"),
            "error",
            stopped,
        ),
        beta(
            "os._exit(0) in a test",
            |it| it.append(TESTS, "\n\ndef test_x():\n    import os\n    os._exit(0)\n"),
            "error",
            stopped,
        ),
        beta(
            "os._exit(0) at interpreter start",
            |it| it.write("projects/beta/src/sitecustomize.py", "import os\nos._exit(0)\n"),
            "error",
            "",
        ),
        beta(
            "sys.exit(0) in a test",
            |it| it.append(TESTS, "\n\ndef test_x():\n    import sys\n    sys.exit(0)\n"),
            "failure",
            "SystemExit",
        ),
        Planted {
            file: Some(TESTS),
            ..beta(
                "pytest.exit with exit code 0",
                |it| {
                    it.append(TESTS, "\n\ndef test_x():\n    import pytest\n    pytest.exit('done', 0)\n\n\ndef test_y():\n    assert False\n")
                },
                "failure",
                "the session was ended early",
            )
        },
        beta(
            "a conftest.py that deselects is shown",
            |it| {
                failing(it);
                it.write(
                    "projects/beta/conftest.py",
                    "def pytest_collection_modifyitems(items):\n    items[:] = items[:1]\n",
                );
            },
            "skipped",
            "deselected",
        ),
        beta(
            "a conftest.py that forges the exit code",
            |it| {
                failing(it);
                it.write(
                    "projects/beta/conftest.py",
                    "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
                );
            },
            "failure",
            "test_that_fails",
        ),
        beta(
            "an option that does not exist",
            |it| it.write("projects/beta/pytest.ini", "[pytest]\naddopts = --strict-config\nno_such_key = 1\n"),
            "error",
            "no_such_key",
        ),
    ]);
}

/// Broken tests are `<error>` as in pytest's own report, but the project is at fault: exit code 1.
fn broken(plant: impl Fn(&Sandbox), file: &str, line: u32, says: &str) {
    let sandbox = Sandbox::new();
    plant(&sandbox);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "alpha", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let case = red(&sandbox, "beta");
    assert_eq!((case.outcome, case.file.as_deref(), case.line), ("error", Some(file), Some(line)), "{case:#?}");
    assert!(format!("{} {}", case.message, case.text).contains(says), "{case:#?}");
    assert!(sandbox.junit("alpha", "pytest").iter().all(|it| it.outcome == "success"));
}

#[test]
fn what_cannot_be_collected_has_its_file_and_line() {
    broken(
        |it| it.write("projects/beta/tests/test_bad.py", "\n\ndef test_x(:\n"),
        "projects/beta/tests/test_bad.py",
        3,
        "SyntaxError",
    );
    broken(
        |it| it.write("projects/beta/tests/test_bad.py", "\nimport nothing_like_this\n"),
        "projects/beta/tests/test_bad.py",
        2,
        "nothing_like_this",
    );
    broken(
        |it| it.write("projects/beta/tests/conftest.py", "\nimport nothing_like_this\n"),
        "projects/beta/tests/conftest.py",
        2,
        "nothing_like_this",
    );
    let fixture = "import pytest\n\n\n@pytest.fixture\ndef f():\n    raise OSError('out of order')\n\n\ndef test_x(f):\n    pass\n";
    broken(
        |it| it.write("projects/beta/tests/test_bad.py", fixture),
        "projects/beta/tests/test_bad.py",
        6,
        "out of order",
    );
}

const EVERY_END: &str = "
import pytest


def test_passes():
    pass


def test_fails():
    assert 'a' == '\\x1b[31m<&>]]>'


@pytest.mark.skip(reason='not now')
def test_skipped():
    pass


@pytest.mark.xfail(reason='known')
def test_expected():
    assert False


@pytest.mark.xfail
def test_unexpected():
    pass


@pytest.mark.xfail(strict=True)
def test_strict():
    pass


class TestClass:
    @pytest.mark.parametrize('value', ['a/b', 'c::d', 'e f', '\\x00', 'ü'])
    def test_values(self, value):
        assert value


@pytest.fixture
def late():
    yield
    raise OSError('late')


def test_teardown(late):
    assert False
";

#[test]
fn every_end_of_a_test_is_kept_one_to_one() {
    let sandbox = Sandbox::new();
    sandbox.write("projects/beta/tests/test_ends.py", EVERY_END);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let cases = sandbox.junit("beta", "pytest");
    let own = sandbox.read("target/ci/work/pytest/beta/junit.xml");
    let own = roxmltree::Document::parse(&own).expect("XML");
    let count = |tag: &str| own.descendants().filter(|it| it.has_tag_name(tag)).count();
    let ours = |outcome: &str| cases.iter().filter(|it| it.outcome == outcome).count();
    assert_eq!(cases.len(), count("testcase"));
    assert_eq!((ours("failure"), count("failure")), (3, 3));
    assert_eq!((ours("error"), count("error")), (1, 1));
    assert_eq!((ours("skipped"), count("skipped")), (2, 2));
    let strict = cases.iter().find(|it| it.name.contains("test_strict")).expect("a case");
    assert_eq!(strict.line, Some(line_of(EVERY_END, "strict=True")), "{strict:?}");
    assert!(notes(&sandbox, "beta").contains("passed, although marked xfail: tests/test_ends.py::test_unexpected"));
}

#[test]
fn the_callers_shell_has_no_effect() {
    let sandbox = Sandbox::new();
    failing(&sandbox);
    let mut command = sandbox.command(&["stage", "pytest", "--project", "beta"]);
    command.env("PYTEST_ADDOPTS", "--collect-only").env("PYTHONPATH", "/nowhere").env("COVERAGE_RCFILE", "/nowhere");
    command.env("PYTEST_PLUGINS", "nothing_like_this").env("PYTHONSTARTUP", "/nowhere").env("COV_CORE_SOURCE", "x");
    let ran = finish(&mut command);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert_eq!(red(&sandbox, "beta").outcome, "failure");
}

#[test]
fn nothing_is_left_beside_the_sources() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "target/\n");
    sandbox.write("projects/beta/.venv/marker", "the developer's own");
    sandbox.commit("nothing is ignored");
    sandbox.append(
        TESTS,
        "\n\ndef test_cache(cache, tmp_path):\n    cache.set('a', 1)\n    assert cache.get('a', 0) == 1\n",
    );
    sandbox.commit("a test with a cache");
    let ran = sandbox.xtask(&["stage", "pytest", "type-check", "lock"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(sandbox.git(&["status", "--porcelain", "--ignored"]), "!! target/\n");
    let report = sandbox.read("target/ci/reports/beta/coverage.xml");
    let report = roxmltree::Document::parse(&report).expect("XML");
    let names: Vec<_> = report.descendants().filter_map(|it| it.attribute("filename")).collect();
    assert_eq!(names, [CODE]);
    assert_eq!(report.descendants().filter(|it| it.has_tag_name("source")).count(), 0);
    assert!(sandbox.read("target/ci/reports/beta/durations.txt").contains("tests/test_beta.py::test_cache"));
}

#[test]
fn workers_of_the_projects_own_xdist() {
    let sandbox = Sandbox::new();
    let text =
        "\n[dependency-groups]\ndev = [\"pytest-xdist\"]\n\n[tool.pytest.ini_options]\naddopts = [\"-n2\", \"-q\"]\n";
    sandbox.append("projects/beta/pyproject.toml", text);
    sandbox.uv(&["lock", "--project", "projects/beta"]);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    failing(&sandbox);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(red(&sandbox, "beta").name.contains("test_that_fails"));
}

#[test]
fn a_test_that_hangs_is_ended() {
    let sandbox = Sandbox::new();
    sandbox.append(TESTS, "\n\ndef test_hangs():\n    import time\n    time.sleep(600)\n");
    sandbox.replace("ci/xtask.toml", "[timeout]", "[timeout]\npytest = \"5s\"");
    let ran: Ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(red(&sandbox, "beta").message.contains("time limit"), "{}", ran.all());
}

#[test]
fn what_the_root_of_a_workspace_has_for_tests_is_said_to_a_member() {
    let sandbox = Sandbox::new();
    let root = "[tool.uv.workspace]\nmembers = [\"beta\"]\n\n[dependency-groups]\ntest = [\"idna\"]\n\n[tool.pytest.ini_options]\nasyncio_mode = \"auto\"\n";
    sandbox.write("projects/pyproject.toml", root);
    sandbox.remove("projects/beta/uv.lock");
    sandbox.uv(&["lock", "--project", "projects"]);
    let says = || {
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
        (ran.code, ran.stdout.contains("groups are not installed (idna)"), ran.stdout.contains("(asyncio_mode)"))
    };
    assert_eq!(says(), (0, false, false));
    failing(&sandbox);
    assert_eq!(says(), (1, true, true));
    sandbox.write("projects/beta/pytest.ini", "[pytest]\n");
    assert_eq!(says(), (1, true, false));
}
