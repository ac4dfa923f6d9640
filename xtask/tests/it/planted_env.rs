//! Planted mistakes: lock, environments, type-check, pytest.

mod lock {
    use crate::support::{Planted, Sandbox, check_planted, finish};

    /// What `alpha` needs, with one more.
    fn add_dependency(it: &Sandbox, project: &str, from: &str, to: &str) {
        it.replace(&format!("projects/{project}/pyproject.toml"), from, to);
    }

    #[test]
    fn planted() {
        check_planted(&[
            Planted {
                what: "a dependency is added and the lock is not renewed",
                stage: "lock",
                project: "alpha",
                plant: |it| add_dependency(it, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\""),
                outcome: "failure",
                file: Some("projects/alpha/uv.lock"),
                line: Some(1),
                says: "uv lock --project projects/alpha",
            },
            Planted {
                what: "the library's own lock is renewed, that of its dependant is not",
                stage: "lock",
                project: "alpha",
                plant: |it| {
                    add_dependency(it, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\"");
                    it.uv(&["lock", "--project", "projects/alpha"]);
                },
                outcome: "failure",
                file: Some("projects/gamma/uv.lock"),
                line: Some(1),
                says: "uv lock --project projects/gamma",
            },
            Planted {
                what: "no version satisfies a requirement",
                stage: "lock",
                project: "alpha",
                plant: |it| add_dependency(it, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging>=9999\""),
                outcome: "failure",
                file: Some("projects/alpha/uv.lock"),
                line: Some(1),
                says: "unsatisfiable",
            },
            Planted {
                what: "the path of a local dependency is wrong",
                stage: "lock",
                project: "gamma",
                plant: |it| it.replace("projects/gamma/pyproject.toml", "\"../alpha\"", "\"../alfa\""),
                outcome: "failure",
                file: Some("projects/gamma/uv.lock"),
                line: Some(1),
                says: "missing-path",
            },
            Planted {
                what: "git ignores the lock",
                stage: "lock",
                project: "alpha",
                plant: |it| {
                    it.append(".gitignore", "projects/alpha/uv.lock\n");
                    it.git(&["rm", "-q", "--cached", "projects/alpha/uv.lock"]);
                },
                outcome: "failure",
                file: Some("projects/alpha/uv.lock"),
                line: Some(1),
                says: "git ignores this lock",
            },
        ]);
    }

    #[test]
    fn exactly_the_stale_project_turns_red() {
        let sandbox = Sandbox::new();
        add_dependency(&sandbox, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\"");
        sandbox.uv(&["lock", "--project", "projects/alpha"]);
        let ran = sandbox.xtask(&["stage", "lock"]);
        assert_eq!(ran.code, 1, "{}", ran.all());
        let outcomes = |project: &str| sandbox.junit(project, "lock").iter().map(|it| it.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes("alpha"), ["success"]);
        assert_eq!(outcomes("beta"), ["success"]);
        assert_eq!(outcomes("gamma"), ["failure"]);
        assert_eq!(sandbox.git(&["status", "--porcelain", "projects/gamma"]), "");
    }

    #[test]
    fn an_index_out_of_reach_is_an_error_and_no_finding() {
        let sandbox = Sandbox::new();
        add_dependency(&sandbox, "alpha", "\"idna==3.7\"", "\"idna==3.7\", \"packaging\"");
        let cache = sandbox.root.join("target/no-cache");
        let mut command = sandbox.command(&["stage", "lock", "--project", "alpha"]);
        command.env("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple").env("UV_CACHE_DIR", cache.as_str());
        let ran = finish(&mut command);
        assert_eq!(ran.code, 2, "{}", ran.all());
        let case = &sandbox.junit("alpha", "lock")[0];
        assert_eq!(case.outcome, "error");
        assert!(case.text.contains("127.0.0.1:9"), "{case:?}");
    }
}

mod type_check {
    use crate::support::{Planted, Sandbox, check_planted};

    /// Line 4 is wrong at the level `error`.
    const WRONG: &str = "\"\"\"Wrong.\"\"\"\n\none: int = 1\nnothing = one / 0\n";

    fn plant(what: &'static str, plant: fn(&Sandbox), outcome: &'static str, says: &'static str) -> Planted {
        Planted {
            what,
            stage: "type-check",
            project: "alpha",
            plant,
            outcome,
            file: Some("projects/alpha/src/alpha/wrong.py"),
            line: Some(4),
            says,
        }
    }

    fn wrong(it: &Sandbox, comment: &str) {
        let text = WRONG.replace("one / 0", &format!("1 / 0{comment}"));
        it.write("projects/alpha/src/alpha/wrong.py", text);
    }

    #[test]
    fn findings_whatever_the_project_says() {
        let manifest = "projects/alpha/pyproject.toml";
        assert!(Sandbox::new().read(manifest).contains("[tool.ruff]"));
        check_planted(&[
            plant("an error", |it| wrong(it, ""), "failure", "division-by-zero"),
            plant("`# type: ignore` without a rule", |it| wrong(it, "  # type: ignore"), "failure", "division-by-zero"),
            plant("`# ty: ignore` without a rule", |it| wrong(it, "  # ty: ignore"), "failure", "division-by-zero"),
            plant(
                "a comment that silences the file",
                |it| it.write("projects/alpha/src/alpha/wrong.py", "# type: ignore\n\"\"\"W.\"\"\"\n\nx = 1 / 0\n"),
                "failure",
                "division-by-zero",
            ),
            plant(
                "a comment that names the rule",
                |it| wrong(it, "  # ty: ignore[division-by-zero]"),
                "skipped",
                "silenced by a comment",
            ),
            plant(
                "the project weakens the rule in its manifest",
                |it| {
                    wrong(it, "");
                    it.append(
                        "projects/alpha/pyproject.toml",
                        "\n[tool.ty.rules]\ndivision-by-zero = \"ignore\"\n\n[tool.ty.src]\nexclude = [\"*\"]\n",
                    );
                },
                "failure",
                "division-by-zero",
            ),
            plant(
                "the project weakens all rules in a ty.toml",
                |it| {
                    wrong(it, "");
                    it.write("projects/alpha/ty.toml", "[rules]\nall = \"ignore\"\n");
                    it.write("projects/alpha/src/alpha/ty.toml", "[rules]\nall = \"ignore\"\n");
                    it.write("ty.toml", "[rules]\nall = \"ignore\"\n");
                },
                "failure",
                "division-by-zero",
            ),
            plant(
                "the project makes a rule stricter",
                |it| {
                    it.write("projects/alpha/src/alpha/wrong.py", "\"\"\"W.\"\"\"\n\n\nprint(never_defined)\n");
                    it.append("projects/alpha/pyproject.toml", "\n[tool.ty.rules]\nunresolved-reference = \"error\"\n");
                },
                "failure",
                "never_defined",
            ),
            plant(
                "a warning is shown and does not fail",
                |it| it.write("projects/alpha/src/alpha/wrong.py", "\"\"\"W.\"\"\"\n\n\nprint(never_defined)\n"),
                "success",
                "unresolved-reference",
            ),
            Planted {
                file: Some("projects/alpha/src/other/__init__.py"),
                line: None,
                ..plant(
                    "code that the project does not name among its packages is shown",
                    |it| {
                        it.write("projects/alpha/src/other/__init__.py", "x = 1 / 0\n");
                        it.append("projects/alpha/pyproject.toml", "\n[tool.xtask]\npackages = [\"src/alpha\"]\n");
                    },
                    "success",
                    "not-checked",
                )
            },
            plant(
                "settings inside a script",
                |it| {
                    let text = "# /// script\n# [tool.ty.rules]\n# division-by-zero = \"ignore\"\nx = 1 / 0\n# ///\n";
                    it.write("projects/alpha/src/alpha/wrong.py", text);
                },
                "failure",
                "division-by-zero",
            ),
            plant(
                "an override that only the environment's package shows to be wrong",
                |it| {
                    let text = "from idna.codec import Codec\n\nclass C(Codec):\n    def encode(self, data: int) -> int:\n        return 1\n";
                    it.write("projects/alpha/src/alpha/wrong.py", text);
                },
                "failure",
                "incompatible-method-override",
            ),
        ]);
    }

    #[test]
    fn files_that_ty_would_not_read() {
        check_planted(&[
            Planted {
                file: Some("projects/alpha/src/alpha/dist/wrong.py"),
                ..plant(
                    "a directory that ty excludes by itself",
                    |it| it.write("projects/alpha/src/alpha/dist/wrong.py", WRONG.replace("one /", "1 /")),
                    "failure",
                    "division-by-zero",
                )
            },
            Planted {
                line: Some(1),
                ..plant(
                    "a file that does not parse",
                    |it| it.write("projects/alpha/src/alpha/wrong.py", "def f(:\n"),
                    "failure",
                    "invalid-syntax",
                )
            },
            Planted {
                line: None,
                ..plant(
                    "a file that is no UTF-8",
                    |it| it.write("projects/alpha/src/alpha/wrong.py", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"),
                    "error",
                    "could not check this file",
                )
            },
            Planted {
                line: Some(6),
                ..plant(
                    "a function without type checks",
                    |it| {
                        let text = "\"\"\"W.\"\"\"\n\nimport typing\n\n\n@typing.no_type_check\ndef f() -> float:\n    return 1 / 0\n";
                        it.write("projects/alpha/src/alpha/wrong.py", text);
                    },
                    "failure",
                    "no_type_check",
                )
            },
            Planted {
                file: None,
                line: None,
                ..plant(
                    "packages that are not there",
                    |it| it.append("projects/alpha/pyproject.toml", "\n[tool.xtask]\npackages = [\"lib/none\"]\n"),
                    "error",
                    "no Python file to check",
                )
            },
        ]);
    }

    #[test]
    fn a_rule_that_ty_does_not_know_is_named_with_its_line() {
        let sandbox = Sandbox::new();
        sandbox.replace("ci/ty.toml", "[rules]\n", "[rules]\ndivison-by-zero = \"error\"\n");
        let line = sandbox.read("ci/ty.toml").lines().position(|it| it.starts_with("divison")).expect("a line") + 1;
        let ran = sandbox.xtask(&["stage", "type-check", "--project", "alpha"]);
        assert_eq!(ran.code, 2, "{}", ran.all());
        let case = &sandbox.junit("alpha", "type-check")[0];
        assert!(case.message.contains(&format!("ci/ty.toml:{line}: Unknown rule `divison-by-zero`")), "{case:?}");
    }

    #[test]
    fn the_policys_python_holds() {
        let sandbox = Sandbox::new();
        sandbox.write("projects/beta/src/beta/new.py", "type Name = str\n");
        let ran = sandbox.xtask(&["stage", "type-check", "--project", "beta"]);
        assert_eq!(ran.code, 1, "{}", ran.all());
        let case = &sandbox.junit("beta", "type-check")[0];
        assert!(case.message.contains("3.11"), "{case:?}");
    }
}

mod pytest {
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
            Planted {
                file: Some("projects/beta/tests/other/test_more.py"),
                ..beta(
                    "test paths that leave a test file out are shown",
                    |it| {
                        it.write("projects/beta/tests/other/test_more.py", "def test_more():\n    assert False\n");
                        it.append(
                            "projects/beta/pyproject.toml",
                            "\n[tool.pytest.ini_options]\ntestpaths = [\"tests/test_beta.py\"]\n",
                        );
                    },
                    "success",
                    "not-collected",
                )
            },
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
        command
            .env("PYTEST_ADDOPTS", "--collect-only")
            .env("PYTHONPATH", "/nowhere")
            .env("COVERAGE_RCFILE", "/nowhere");
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
        let text = "\n[dependency-groups]\ndev = [\"pytest-xdist\"]\n\n[tool.pytest.ini_options]\naddopts = [\"-n2\", \"-q\"]\n";
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
}

mod environments {
    use std::fs::File;

    use crate::support::Sandbox;

    const ALPHA: &str = "projects/alpha/src/alpha/__init__.py";

    /// Changes `alpha` without a change of size or time.
    fn change_alpha(sandbox: &Sandbox) {
        let path = sandbox.root.join(ALPHA);
        let time = path.metadata().and_then(|it| it.modified()).expect("a time");
        sandbox.replace(ALPHA, "return name.rstrip(\".\").split(\".\")", "return name.rstrip(\":\").split(\".\")");
        File::options().write(true).open(&path).and_then(|it| it.set_modified(time)).expect("the old time");
    }

    /// The dependant's test sees the code of today.
    fn sees_the_change(sandbox: &Sandbox) {
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
        change_alpha(sandbox);
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
        assert_eq!(ran.code, 1, "{}", ran.all());
        let red = sandbox.junit("gamma", "pytest").into_iter().find(|it| it.outcome == "failure").expect("a failure");
        assert_eq!(red.file.as_deref(), Some("projects/gamma/tests/test_gamma.py"), "{red:?}");
    }

    #[test]
    fn a_stale_path_dependency_is_seen() {
        sees_the_change(&Sandbox::new());
    }

    #[test]
    fn also_one_that_is_no_project_of_the_pipeline() {
        let sandbox = Sandbox::new();
        sandbox.replace("ci/xtask.toml", "exclude = []", "exclude = [\"projects/alpha\"]");
        sees_the_change(&sandbox);
    }

    #[test]
    fn also_a_workspace_member_that_is_not_editable() {
        let sandbox = Sandbox::new();
        sandbox.write("projects/pyproject.toml", "[tool.uv.workspace]\nmembers = [\"alpha\", \"gamma\"]\n");
        let source = "alpha = { workspace = true, editable = false }";
        sandbox.replace("projects/gamma/pyproject.toml", "alpha = { path = \"../alpha\" }", source);
        sandbox.remove("projects/alpha/uv.lock");
        sandbox.remove("projects/gamma/uv.lock");
        sandbox.uv(&["lock", "--project", "projects"]);
        sees_the_change(&sandbox);
    }

    #[test]
    fn setuptools_leaves_nothing_and_takes_nothing_along() {
        let sandbox = Sandbox::new();
        sandbox.write(".gitignore", "target/\n");
        let manifest = "projects/alpha/pyproject.toml";
        sandbox.replace(manifest, "\"uv_build>=0.8\"", "\"setuptools>=77\"");
        sandbox.replace(manifest, "\"uv_build\"", "\"setuptools.build_meta\"");
        sandbox.replace(manifest, "version = \"0.1.0\"", "dynamic = [\"version\"]");
        sandbox.append(manifest, "\n[tool.setuptools.dynamic]\nversion = { attr = \"alpha.__version__\" }\n");
        sandbox.append(ALPHA, "\n\n__version__ = \"0.1.0\"\n");
        // What an earlier build left there would become part of the wheel.
        sandbox.write("projects/alpha/build/lib/alpha/ghost.py", "x = 1\n");
        let test = "\n\ndef test_no_ghost() -> None:\n    \"\"\"Only what is in the sources is installed.\"\"\"\n    import importlib.util\n\n    assert importlib.util.find_spec(\"alpha.ghost\") is None\n";
        sandbox.append("projects/gamma/tests/test_gamma.py", test);
        for project in ["alpha", "gamma"] {
            sandbox.uv(&["lock", "--project", &format!("projects/{project}")]);
        }
        for name in ["projects/alpha/src/alpha.egg-info"] {
            if sandbox.root.join(name).exists() {
                sandbox.remove(name);
            }
        }
        sandbox.commit("setuptools");
        let ran = sandbox.xtask(&["stage", "lock", "pytest", "--project", "alpha", "gamma"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    }

    #[test]
    fn an_input_outside_the_project_is_part_of_it() {
        let sandbox = Sandbox::new();
        sandbox.write("projects/shared.txt", "one");
        let manifest = "projects/alpha/pyproject.toml";
        sandbox.replace(manifest, "\"uv_build>=0.8\"", "\"hatchling\"");
        sandbox.replace(manifest, "\"uv_build\"", "\"hatchling.build\"");
        let text = "\n[tool.hatch.build.targets.wheel.force-include]\n\"../shared.txt\" = \"alpha/shared.txt\"\n\n[tool.xtask]\ninputs = [\"../*.txt\"]\n";
        sandbox.append(manifest, text);
        let test = "\n\ndef test_shared() -> None:\n    from importlib.resources import files\n\n    assert files(\"alpha\").joinpath(\"shared.txt\").read_text() == \"one\"\n";
        sandbox.append("projects/gamma/tests/test_gamma.py", test);
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
        sandbox.write("projects/shared.txt", "two");
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "gamma"]);
        assert_eq!(ran.code, 1, "{}", ran.all());
    }

    #[test]
    fn half_an_environment_is_made_anew() {
        let sandbox = Sandbox::new();
        let run = || {
            let ran = sandbox.xtask(&["stage", "pytest", "--project", "alpha"]);
            assert_eq!(ran.code, 0, "{}", ran.all());
        };
        run();
        sandbox.remove("target/ci/envs/alpha/dev/bin/python");
        run();
        sandbox.remove("target/ci/envs/alpha/dev/pyvenv.cfg");
        run();
        // A run that was ended while packages were being copied.
        let lib = sandbox.root.join("target/ci/envs/alpha/dev/lib").read_dir_utf8().expect("lib").flatten().next();
        let idna = lib.expect("a version").path().join("site-packages/idna/core.py");
        std::fs::remove_file(idna).expect("idna is installed");
        sandbox.write("target/ci/envs/alpha/dev.unfinished", "");
        run();
    }

    #[test]
    fn a_python_that_is_not_there() {
        let sandbox = Sandbox::new();
        for file in ["pyproject.toml", "uv.lock"] {
            sandbox.replace(&format!("projects/beta/{file}"), ">=3.11", ">=3.99");
        }
        let ran = sandbox.xtask(&["stage", "pytest"]);
        assert_eq!(ran.code, 2, "{}", ran.all());
        let case = &sandbox.junit("beta", "pytest")[0];
        assert!(
            case.message.contains("beta needs a Python that is not here") && case.message.contains("3.99"),
            "{case:?}"
        );
        assert!(sandbox.junit("alpha", "pytest").iter().all(|it| it.outcome == "success"));
    }

    #[test]
    fn extras_that_conflict() {
        let sandbox = Sandbox::new();
        let manifest = "projects/alpha/pyproject.toml";
        sandbox.replace(manifest, "dependencies = [\"idna==3.7\"]", "dependencies = []");
        let text = "\n[project.optional-dependencies]\none = [\"idna==3.7\"]\ntwo = [\"idna==3.6\"]\n\n[tool.uv]\nconflicts = [[{ extra = \"one\" }, { extra = \"two\" }]]\n";
        sandbox.append(manifest, text);
        sandbox.uv(&["lock", "--project", "projects/alpha"]);
        let ran = sandbox.xtask(&["stage", "pytest", "--project", "alpha"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
        assert!(sandbox.read("target/ci/junit/alpha.pytest.xml").contains("tool.uv.conflicts: extra two"));
    }

    #[test]
    fn a_project_that_is_not_installed() {
        let sandbox = Sandbox::new();
        let manifest = "projects/beta/pyproject.toml";
        sandbox.replace(manifest, "[build-system]\nrequires = [\"uv_build>=0.8\"]\nbuild-backend = \"uv_build\"\n", "");
        sandbox.uv(&["lock", "--project", "projects/beta"]);
        let ran = sandbox.xtask(&["stage", "lock", "pytest", "type-check", "--project", "beta"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
    }
}
