//! Planted mistakes: tests that are there and would not run, and tests with more than one end.

use crate::support::{Planted, Sandbox, check_planted};

const MANIFEST: &str = "projects/beta/pyproject.toml";
const MORE: &str = "projects/beta/tests/slow/test_more.py";
const FAILS: &str = "\n\ndef test_more() -> None:\n    assert 1 == 2\n";

fn row(
    what: &'static str,
    plant: fn(&Sandbox),
    outcome: &'static str,
    line: Option<u32>,
    says: &'static str,
) -> Planted {
    Planted { what, stage: "pytest", project: "beta", plant, outcome, file: Some(MORE), line, says }
}

fn settings(it: &Sandbox, text: &str) {
    it.append(MANIFEST, &format!("\n[tool.pytest.ini_options]\n{text}\n"));
}

#[test]
fn settings_do_not_hide_tests() {
    check_planted(&[
        row(
            "directories that pytest is told not to enter",
            |it| {
                it.write(MORE, FAILS);
                settings(it, "norecursedirs = [\"slow\"]");
            },
            "failure",
            Some(3),
            "not-collected",
        ),
        row(
            "test paths that leave a directory out",
            |it| {
                it.write(MORE, FAILS);
                settings(it, "testpaths = [\"tests/test_beta.py\"]");
            },
            "failure",
            Some(3),
            "not-collected",
        ),
        row(
            "the same, with a waiver",
            |it| {
                it.write(MORE, FAILS);
                settings(it, "testpaths = [\"tests/test_beta.py\"]");
                let waiver = "\n[[tool.xtask.waiver]]\nstage = \"pytest\"\nrule = \"not-collected\"\nowner = \"a@example.org\"\n\
                              reason = \"needs a meter\"\nexpires = 2999-01-01\n";
                it.append(MANIFEST, waiver);
            },
            "skipped",
            Some(3),
            "waived by a@example.org",
        ),
        row(
            "names of files",
            |it| {
                it.write(MORE, FAILS);
                settings(it, "python_files = \"test_beta.py check_*.py\"");
            },
            "failure",
            Some(4),
            "test_more",
        ),
        row(
            "names of functions, in a pytest.ini",
            |it| {
                it.write(MORE, FAILS);
                it.write("projects/beta/pytest.ini", "[pytest]\npython_functions = check_*\n    test_count\n");
            },
            "failure",
            Some(4),
            "test_more",
        ),
        row(
            "names of classes",
            |it| {
                it.write(MORE, "class TestMore:\n    def test_more(self) -> None:\n        assert 1 == 2\n");
                settings(it, "python_classes = []");
            },
            "failure",
            Some(3),
            "test_more",
        ),
        row(
            "a conftest.py that leaves a file out is shown",
            |it| {
                it.write(MORE, FAILS);
                it.write("projects/beta/tests/conftest.py", "collect_ignore = [\"slow\"]\n");
            },
            "skipped",
            None,
            "left out by a conftest.py",
        ),
        row(
            "a class that pytest does not take for a test is shown",
            |it| {
                let text = "def test_ok() -> None:\n    pass\n\n\nclass TestMore:\n    def __init__(self) -> None:\n        self.x = 1\n\n    def test_x(self) -> None:\n        assert False\n";
                it.write(MORE, text);
            },
            "success",
            Some(5),
            "not-collected",
        ),
    ]);
}

#[test]
fn code_that_is_named_like_a_test_is_code() {
    const HELPER: &str = "projects/beta/src/beta/test_line.py";
    let plant: fn(&Sandbox) = |it| {
        it.write(HELPER, format!("if len('a') == 2:\n{}", "    x = 1\n".repeat(50)));
    };
    let what = "a module of the package that only its name makes a test";
    check_planted(&[Planted { file: Some(HELPER), ..row(what, plant, "failure", Some(2), "coverage") }]);
}

/// The project's lock has neither pytest nor coverage: what its tests start finds the pinned ones all the same.
#[test]
fn processes_that_tests_start_are_measured() {
    const CODE: &str = "projects/beta/src/beta/work.py";
    let started = |settings: &str, test: &str| {
        let sandbox = Sandbox::new();
        sandbox.write(CODE, format!("def work(x):\n{}    return x\n\n\nwork(1)\n", "    x += 1\n".repeat(50)));
        sandbox.write(MORE, test);
        sandbox.append(MANIFEST, &format!("\n[tool.coverage.run]\n{settings}\n"));
        sandbox.replace("ci/xtask.toml", "[timeout]", "[timeout]\npytest = \"90s\"");
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
        assert_eq!(ran.code, 0, "{settings}: {}", ran.all());
    };
    started(
        "concurrency = [\"multiprocessing\"]\nparallel = true",
        "import multiprocessing\nimport subprocess\n\n\ndef test_m():\n    with multiprocessing.get_context('spawn').Pool(1) as pool:\n        \
         assert pool.map(__import__('beta.work').work.work, [1]) == [51]\n        pool.close()\n        pool.join()\n",
    );
    started(
        "patch = [\"subprocess\"]",
        "import subprocess\nimport sys\n\n\ndef test_m():\n    assert subprocess.run([sys.executable, '-m', 'beta.work']).returncode == 0\n",
    );
}

#[test]
fn every_subtest_that_fails_is_a_failure() {
    let sandbox = Sandbox::new();
    let text = "import unittest\n\n\nclass TestMore(unittest.TestCase):\n    def test_more(self) -> None:\n        for i in range(4):\n            \
                with self.subTest(i=i):\n                self.assertEqual(i, 1)\n";
    sandbox.write(MORE, text);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta", "alpha"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let cases = sandbox.junit("beta", "pytest");
    let red: Vec<_> = cases.iter().filter(|it| it.outcome == "failure").collect();
    assert!(red.len() >= 3, "{cases:#?}");
    assert!(red.iter().all(|it| it.file.as_deref() == Some(MORE) && it.line == Some(8)), "{red:#?}");
    assert!(sandbox.junit("alpha", "pytest").iter().all(|it| it.outcome == "success"));
}

/// A method of `unittest.TestCase` in its own class.
fn method(it: &Sandbox, base: &str, method: &str) {
    it.write(MORE, format!("import unittest\n\n\nclass TestMore(unittest.{base}):\n{method}"));
}

/// Needs these distributions to be tested.
fn develops_with(it: &Sandbox, requirements: &str) {
    it.append(MANIFEST, &format!("\n[dependency-groups]\ndev = [{requirements}]\n"));
    it.uv(&["lock", "--project", "projects/beta"]);
}

#[test]
fn a_test_whose_body_never_ran_has_not_passed() {
    const ASYNC: &str = "    async def test_more(self):\n        assert 1 == 2\n";
    const YIELDS: &str = "    def test_more(self):\n        yield\n        assert 1 == 2\n";
    check_planted(&[
        row(
            "an asynchronous method",
            |it| method(it, "TestCase", ASYNC),
            "failure",
            Some(5),
            "IsolatedAsyncioTestCase",
        ),
        row(
            "a method with a yield",
            |it| method(it, "TestCase", YIELDS),
            "failure",
            Some(5),
            "which makes it a generator",
        ),
        row(
            "a method with a yield in a class for asynchronous ones",
            |it| method(it, "IsolatedAsyncioTestCase", YIELDS),
            "failure",
            Some(5),
            "which makes it a generator",
        ),
        row(
            "an asynchronous method in a class for them",
            |it| method(it, "IsolatedAsyncioTestCase", &ASYNC.replace("1 == 2", "1 == 1")),
            "success",
            Some(5),
            "",
        ),
        row(
            "the same where it fails",
            |it| method(it, "IsolatedAsyncioTestCase", ASYNC),
            "failure",
            Some(6),
            "assert 1 == 2",
        ),
        row(
            "an asynchronous method in a worker of pytest-xdist",
            |it| {
                method(it, "TestCase", ASYNC);
                develops_with(it, "\"pytest-xdist\"");
                settings(it, "addopts = \"-n2\"");
            },
            "failure",
            Some(5),
            "IsolatedAsyncioTestCase",
        ),
        row(
            "an asynchronous function that an older pytest skips",
            |it| {
                it.write(MORE, "async def test_more():\n    assert 1 == 2\n");
                develops_with(it, "\"pytest==8.3.5\", \"pytest-cov\"");
            },
            "failure",
            Some(1),
            "its body never ran: async def",
        ),
        row(
            "a function with a yield that an older pytest expects to fail",
            |it| {
                it.write(MORE, "def test_more():\n    yield\n    assert 1 == 2\n");
                develops_with(it, "\"pytest==8.3.5\", \"pytest-cov\"");
            },
            "failure",
            Some(1),
            "yield tests were removed",
        ),
        row(
            "a comparison that is returned and not asserted",
            |it| it.write(MORE, "def test_more():\n    return 1 == 2\n"),
            "success",
            Some(1),
            "test-returns",
        ),
    ]);
}
