//! Planted mistakes: reads of the repository that no list of inputs holds.
//!
//! With the real pytest and sphinx. Each row reads in another way; the traps are reads that are none.

use camino::Utf8PathBuf;
use xtask::discover::Repo;
use xtask::{inputs, reads, side, stages, survey, tree};

use crate::support::{Case, Planted, Sandbox, check_planted};

const MANIFEST: &str = "projects/beta/pyproject.toml";
const TESTS: &str = "projects/beta/tests/test_beta.py";
const CODE: &str = "projects/beta/src/beta/__init__.py";
const DOCS: &str = "projects/beta/docs/index.rst";

/// A file of the repository that is nobody's.
fn schema(it: &Sandbox) {
    it.write("schemas/x.json", "{\"price\": 1}\n");
}

/// A test of beta with this body, and the schema.
fn test(it: &Sandbox, body: &str) {
    schema(it);
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    it.append(TESTS, &format!("\n\ndef test_more() -> None:\n    \"\"\"Reads.\"\"\"\n{body}"));
}

fn declare(it: &Sandbox, inputs: &str) {
    it.append(MANIFEST, &format!("\n[tool.xtask]\ninputs = [{inputs}]\n"));
}

fn row(what: &'static str, stage: &'static str, plant: fn(&Sandbox), says: &'static str) -> Planted {
    Planted { what, stage, project: "beta", plant, outcome: "failure", file: Some(MANIFEST), line: Some(1), says }
}

fn trap(what: &'static str, stage: &'static str, plant: fn(&Sandbox)) -> Planted {
    Planted { outcome: "success", file: None, line: None, ..row(what, stage, plant, "") }
}

const LINE: &str = "write `inputs = [\"../../schemas/x.json\"]` under `[tool.xtask]`";

#[test]
fn files_read_by_tests() {
    check_planted(&[
        row(
            "open",
            "pytest",
            |it| test(it, "assert open(\"../../schemas/x.json\").read()"),
            "schemas/x.json is read by tests/test_beta.py::test_more at projects/beta/tests/test_beta.py:13, and",
        ),
        row("the line to add", "pytest", |it| test(it, "assert open(\"../../schemas/x.json\").read()"), LINE),
        row(
            "a Path, after another directory was entered",
            "pytest",
            |it| {
                let text = "import os, pathlib\nhere = pathlib.Path(__file__).resolve()\nos.chdir(here.parents[3] / \"schemas\")\n\
                            assert pathlib.Path(\"x.json\").read_text()\nos.chdir(here.parents[1])";
                test(it, text);
            },
            LINE,
        ),
        row(
            "bytes, through os.open, with .. in an absolute path",
            "pytest",
            |it| {
                test(
                    it,
                    "import os\nos.close(os.open(os.getcwdb() + b\"/tests/../../..//schemas/./x.json\", os.O_RDONLY))",
                )
            },
            LINE,
        ),
        row(
            "a fork that leaves through os._exit",
            "pytest",
            |it| {
                let text = "import os\nif not (pid := os.fork()):\n    open(\"../../schemas/x.json\").read()\n    os._exit(0)\nos.waitpid(pid, 0)";
                test(it, text);
            },
            LINE,
        ),
        row(
            "a link elsewhere",
            "pytest",
            |it| {
                let text = "import os, tempfile\nlink = tempfile.mkdtemp() + \"/link\"\n\
                            os.symlink(os.path.abspath(\"../../schemas/x.json\"), link)\nassert open(link).read()";
                test(it, text);
            },
            LINE,
        ),
        row(
            "a database",
            "pytest",
            |it| {
                it.write("data/x.db", "");
                test(it, "import sqlite3\nsqlite3.connect(\"file:../../data/x.db?mode=ro\", uri=True).close()");
            },
            "data/x.db is read by",
        ),
        row(
            "conftest.py",
            "pytest",
            |it| {
                schema(it);
                it.write("projects/beta/tests/conftest.py", "\n\nopen(\"../../schemas/x.json\").read()\n");
            },
            "schemas/x.json is read at projects/beta/tests/conftest.py:3, and",
        ),
        row(
            "at import time of the package",
            "pytest",
            |it| {
                schema(it);
                it.append(
                    CODE,
                    "\n\nwith open(\"../../schemas/x.json\", encoding=\"utf-8\") as file:\n    TEXT = file.read()\n",
                );
            },
            "is read at projects/beta/src/beta/__init__.py:18, and",
        ),
        row(
            "a module of which only the bytecode is opened",
            "pytest",
            |it| {
                it.write("tools/helper.py", "VALUE = 1\n");
                let text = "import py_compile, sys\npy_compile.compile(\"../../tools/helper.py\")\n\
                            sys.path.append(\"../../tools\")\nimport helper\nassert helper.VALUE";
                test(it, text);
            },
            "tools/helper.py is read by",
        ),
    ]);
}

#[test]
fn files_read_by_processes_that_tests_start() {
    check_planted(&[
        row("python", "pytest", |it| test(it, &python("")), LINE),
        row("python without our environment", "pytest", |it| test(it, &python(", env={}")), LINE),
        row("python, isolated", "pytest", |it| test(it, &python("").replace("\"-c\"", "\"-I\", \"-c\"")), LINE),
        row(
            "a process of multiprocessing",
            "pytest",
            |it| {
                it.write(
                    "projects/beta/tests/helper.py",
                    "def read():\n    return open(\"../../schemas/x.json\").read()\n",
                );
                let text = "import multiprocessing\nfrom helper import read\ncontext = multiprocessing.get_context(\"spawn\")\n\
                            process = context.Process(target=read)\nprocess.start()\nprocess.join()\nassert process.exitcode == 0";
                test(it, text);
            },
            LINE,
        ),
        row(
            "cat",
            "pytest",
            |it| {
                test(it, "import subprocess\nsubprocess.run([\"cat\", \"x.json\"], cwd=\"../../schemas\", check=True)")
            },
            "schemas/x.json is named in a command by tests/test_beta.py::test_more at",
        ),
        row(
            "cat in a shell",
            "pytest",
            |it| {
                test(
                    it,
                    "import subprocess\nsubprocess.run(\"true && cat <'../../schemas/x.json'|wc -c\", shell=True, check=True)",
                )
            },
            LINE,
        ),
        row(
            "os.system",
            "pytest",
            |it| test(it, "import os\nassert os.system(\"wc -c ../../schemas/x.json\") == 0"),
            LINE,
        ),
        row(
            "a worker of xdist",
            "pytest",
            |it| {
                let manifest = "\n[dependency-groups]\ndev = [\"pytest\", \"pytest-cov\", \"pytest-xdist\"]\n\n\
                                [tool.pytest.ini_options]\naddopts = \"-n 1\"\n";
                it.append(MANIFEST, manifest);
                it.uv(&["lock", "--quiet", "--project", "projects/beta"]);
                test(it, "assert open(\"../../schemas/x.json\").read()");
            },
            "is read by tests/test_beta.py::test_more at projects/beta/tests/test_beta.py:13, and",
        ),
    ]);
}

/// A test that starts Python, which puts the name of the file together by itself.
fn python(more: &str) -> String {
    let code = "import json; json.load(open('../../' + 'schemas' + '/x.json'))";
    format!("import subprocess, sys\nsubprocess.run([sys.executable, \"-c\", \"{code}\"], check=True{more})")
}

#[test]
fn directories() {
    let glob = "write `inputs = [\"../../schemas/**\"]` under `[tool.xtask]`";
    check_planted(&[
        row("listed", "pytest", |it| test(it, "import os\nassert os.listdir(\"../../schemas\")"), glob),
        row(
            "searched, and a file of it read: one line for both",
            "pytest",
            |it| {
                test(
                    it,
                    "import pathlib\nassert [it.read_text() for it in pathlib.Path(\"../../schemas\").glob(\"*.json\")]",
                )
            },
            glob,
        ),
        row(
            "the root",
            "pytest",
            |it| test(it, "import os\nassert os.listdir(\"../..\")"),
            "the root of the repository is listed by",
        ),
        row(
            "21 files of one directory",
            "pytest",
            |it| {
                (0..21).for_each(|number| it.write(&format!("schemas/{number}.json"), "1"));
                test(it, "for number in range(21):\n    open(f\"../../schemas/{number}.json\").close()");
            },
            "21 files of schemas are read",
        ),
        row(
            "the tests of another project",
            "pytest",
            |it| test(it, "import os\nassert os.listdir(\"../alpha/tests\")"),
            "inputs = [\"../alpha/tests/**\"]",
        ),
        trap("the project's own", "pytest", |it| {
            test(it, "import os\nassert os.listdir(\".\") and os.listdir(\"tests\")")
        }),
        trap("a glob that stands in it", "pytest", |it| {
            test(it, "import glob\nassert [open(it).read() for it in glob.glob(\"../../schemas/*.json\")]");
            declare(it, "\"../../schemas/*.json\"");
        }),
    ]);
}

#[test]
fn whose_file_it_is() {
    check_planted(&[
        row(
            "a document of the project",
            "pytest",
            |it| test(it, "assert open(\"README.md\").read()"),
            "projects/beta/README.md is read by",
        ),
        row("the line for it", "pytest", |it| test(it, "open(\"README.md\").close()"), "`inputs = [\"README.md\"]`"),
        row(
            "a neighbour's file",
            "pytest",
            |it| test(it, "open(\"../alpha/src/alpha/__init__.py\").close()"),
            "projects/alpha/src/alpha/__init__.py of the project alpha is read by",
        ),
        Planted {
            project: "gamma",
            file: Some("projects/gamma/pyproject.toml"),
            ..row(
                "a dependency's test",
                "pytest",
                |it| {
                    let text =
                        "\n\ndef test_more() -> None:\n    assert open(\"../alpha/tests/test_alpha.py\").read()\n";
                    it.append("projects/gamma/tests/test_gamma.py", text);
                },
                "inputs = [\"../alpha/tests/test_alpha.py\"]",
            )
        },
        Planted {
            project: "gamma",
            ..trap("a dependency's code and manifest", "pytest", |it| {
                let text = "\n\ndef test_more() -> None:\n    assert open(\"../alpha/src/alpha/__init__.py\").read()\n    \
                            assert open(\"../alpha/pyproject.toml\").read()\n";
                it.append("projects/gamma/tests/test_gamma.py", text);
            })
        },
        Planted {
            line: Some(20),
            ..row(
                "inputs that are there already",
                "pytest",
                |it| {
                    declare(it, "\"../../schemas/y.json\"");
                    test(it, "open(\"../../schemas/x.json\").close()");
                },
                "let the line be `inputs = [\"../../schemas/y.json\", \"../../schemas/x.json\"]` under",
            )
        },
        row(
            "a name that a glob would take for a pattern",
            "pytest",
            |it| {
                it.write("schemas/[x].json", "1");
                test(it, "open(\"../../schemas/[x].json\").close()");
            },
            "inputs = [\"../../schemas/[[]x[]].json\"]",
        ),
        Planted {
            outcome: "skipped",
            file: None,
            line: None,
            ..row(
                "waived",
                "pytest",
                |it| {
                    test(it, "open(\"../../schemas/x.json\").close()");
                    let text = "\n[[tool.xtask.waiver]]\nstage = \"pytest\"\nrule = \"undeclared-read\"\nowner = \"a@example.org\"\n\
                                reason = \"known\"\nexpires = 2999-12-31\n";
                    it.append(MANIFEST, text);
                },
                "undeclared-read",
            )
        },
    ]);
}

#[test]
fn what_is_no_undeclared_read() {
    check_planted(&[
        trap("a declared file", "pytest", |it| {
            test(it, "assert open(\"../../schemas/x.json\").read()");
            declare(it, "\"../../schemas/x.json\"");
        }),
        trap("a file of a declared directory", "pytest", |it| {
            test(it, "import os\nassert os.listdir(\"../../schemas\") and open(\"../../schemas/x.json\").read()");
            declare(it, "\"../../schemas\"");
        }),
        trap("a declared document of the project", "pytest", |it| {
            test(it, "assert open(\"README.md\").read()");
            declare(it, "\"README.md\"");
        }),
        trap("a name that a glob would take for a pattern, declared", "pytest", |it| {
            it.write("schemas/[x].json", "1");
            test(it, "open(\"../../schemas/[x].json\").close()");
            declare(it, "\"../../schemas/[[]x[]].json\"");
        }),
        trap("what a test has written", "pytest", |it| {
            let text = "import os, pathlib, tempfile\npath = pathlib.Path(tempfile.mkdtemp(), \"a\")\npath.write_text(\"a\")\n\
                        assert path.read_text()\nmade = pathlib.Path(\"../../schemas/made.json\")\nmade.write_text(\"a\")\n\
                        assert made.read_text()\nos.replace(made, \"../../schemas/x.json\")\n\
                        assert open(\"../../schemas/x.json\").read()";
            test(it, text);
        }),
        trap("the project's own data, manifest and lock", "pytest", |it| {
            it.write("projects/beta/tests/data/a.json", "1");
            let text =
                "for name in (\"tests/data/a.json\", \"pyproject.toml\", \"uv.lock\"):\n    assert open(name).read()";
            test(it, text);
        }),
        trap("what is not there, ignored, or git's own", "pytest", |it| {
            it.append(".gitignore", "secret.json\n");
            it.write("schemas/secret.json", "1");
            let text = "import os, pytest\nassert open(\"../../schemas/secret.json\").read() and open(\"../../.git/HEAD\").read()\n\
                        assert os.listdir(\"../../.git\")\nwith pytest.raises(FileNotFoundError):\n    open(\"../../schemas/none.json\")";
            test(it, text);
        }),
        trap("a link of the project, with what is behind it", "pytest", |it| {
            let text = "import os\nassert open(\"tests/data/x.json\").read() and open(\"tests/one.json\").read()\n\
                        assert os.listdir(\"tests/data\")";
            test(it, text);
            let link = |to: &str, name: &str| {
                std::os::unix::fs::symlink(to, it.root.join("projects/beta/tests").join(name)).expect("a link");
            };
            link("../../../schemas", "data");
            link("../../../schemas/x.json", "one.json");
        }),
        trap("an import path that names a directory beside the project", "pytest", |it| {
            it.write("tools/other.txt", "1");
            test(
                it,
                "import importlib, sys\nsys.path.insert(0, \"../../tools\")\nassert importlib.util.find_spec(\"nothing\") is None",
            );
        }),
    ]);
}

const NOTEBOOK: &str = r##"{"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["# Title"]}, {"cell_type": "code",
"execution_count": null, "metadata": {}, "outputs": [], "source": ["import pathlib, beta\n", "root = pathlib.Path(beta.__file__).parents[4]\n",
"text = (root / \"schemas/x.json\").read_text()"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
"##;

fn include(it: &Sandbox) {
    schema(it);
    it.append(DOCS, "\n.. literalinclude:: ../../../schemas/x.json\n");
}

fn notebook(it: &Sandbox) {
    schema(it);
    it.write("projects/beta/docs/note.ipynb", NOTEBOOK);
    it.append(DOCS, "\n.. toctree::\n\n   note\n");
}

#[test]
fn files_read_by_the_documentation() {
    check_planted(&[
        row("an included file", "pages", include, LINE),
        trap("an included file, declared", "pages", |it| {
            include(it);
            declare(it, "\"../../schemas/x.json\"");
        }),
        row("a notebook", "pages", notebook, LINE),
        trap("a notebook, declared", "pages", |it| {
            notebook(it);
            declare(it, "\"../../schemas\"");
        }),
        Planted {
            outcome: "error",
            file: Some("projects/beta/docs/conf.py"),
            ..row(
                "the project's conf.py, whose file the copy lacks",
                "pages",
                |it| {
                    schema(it);
                    it.write(
                        "projects/beta/docs/conf.py",
                        "html_title = open(\"../../schemas/x.json\").read().strip()\n",
                    );
                },
                "No such file or directory: '../../schemas/x.json'",
            )
        },
        trap("a document of the project", "pages", |it| it.append(DOCS, "\n.. literalinclude:: ../README.md\n")),
    ]);
}

/// The copy that sphinx works on holds declared files alone: whoever misses one is told the cure beside the crash.
#[test]
fn a_file_that_the_copy_lacks() {
    let sandbox = Sandbox::new();
    schema(&sandbox);
    let text = "import pathlib\nhtml_title = (pathlib.Path(__file__).parents[3] / \"schemas/x.json\").read_text()\n";
    sandbox.write("projects/beta/docs/conf.py", text);
    let ran = sandbox.xtask(&["stage", "pages", "--project", "beta"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let cases = sandbox.junit("beta", "pages");
    let has = |outcome: &str, words: &str| {
        cases.iter().any(|it| it.outcome == outcome && format!("{} {}", it.message, it.text).contains(words))
    };
    assert!(has("error", "FileNotFoundError") && has("failure", LINE), "{cases:#?}");
}

/// Every cause is one finding, and none is reported twice.
#[test]
fn one_finding_for_each_cause() {
    let sandbox = Sandbox::new();
    sandbox.write("data/one.txt", "1");
    sandbox.write("data/two.txt", "1");
    let text = "import os\nos.listdir(\"../../schemas\")\nopen(\"../../schemas/x.json\").close()\nos.system(\"cat ../../data/one.txt\")\n\
                open(\"../../data/one.txt\").close()\nopen(\"../../data/two.txt\").close()";
    test(&sandbox, text);
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    let mut red: Vec<Case> = sandbox.junit("beta", "pytest");
    red.retain(|it| it.outcome == "failure");
    let names: Vec<&str> = red.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["undeclared-read schemas", "undeclared-read data/one.txt", "undeclared-read data/two.txt"]);
    let line = "inputs = [\"../../data/one.txt\", \"../../data/two.txt\", \"../../schemas/**\"]";
    assert!(red.iter().all(|it| it.message.contains(line)), "{red:#?}");
    assert!(red[0].text.contains("schemas/x.json by tests/test_beta.py::test_more"), "{red:#?}");
    // The line that is proposed is all it takes.
    sandbox.append(MANIFEST, &format!("\n[tool.xtask]\n{line}\n"));
    let ran = sandbox.xtask(&["stage", "pytest", "--project", "beta"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
}

/// What may be read is what the plan's list names: both are asked about every file.
#[test]
fn the_question_and_the_list_agree() {
    let sandbox = Sandbox::new();
    schema(&sandbox);
    sandbox.write("projects/alpha/tests/data.json", "1");
    sandbox.write("projects/alpha/data/a.json", "1");
    sandbox.write("projects/.python-version", "3.12\n");
    sandbox.append(
        "projects/alpha/pyproject.toml",
        "\n[tool.xtask]\ninputs = [\"../../schemas/*.json\", \"tests/data.json\"]\n",
    );
    declare(&sandbox, "\"README.md\"");
    let repo = Repo::load(&sandbox.root, None).expect("a repository");
    let entry = |path: &Utf8PathBuf| tree::Entry {
        mode: tree::Mode::File,
        id: tree::Id::from_hex(&xtask::sources::sha256(path.as_str().as_bytes())).expect("an id"),
    };
    let files = tree::Tree::new(repo.files.iter().map(|it| (it.clone(), entry(it))));
    let settings = survey::Settings {
        text: sandbox.read("ci/xtask.toml"),
        file: "ci/xtask.toml".into(),
        dir: Some("ci".into()),
        outside: std::collections::BTreeMap::new(),
    };
    let mut read = |path: &camino::Utf8Path, _| Ok(sandbox.read(path.as_str()).into_bytes());
    let side: side::Side =
        survey::side(files, &settings, &mut survey::Memo::default(), None, None, &mut read).expect("a side");
    let mut agreed = 0;
    for name in ["pytest", "pages"] {
        let stage = stages::find(name).expect("a stage");
        for project in &repo.projects {
            let list = inputs::list(&side, side.project(&project.name).expect("a project"), stage);
            let allowed = reads::Allowed::of(&repo, project, stage);
            // A lock is in the list by its meaning, a policy file under a name that says so.
            for path in repo.files.iter().filter(|it| it.file_name() != Some("uv.lock") && !it.starts_with("ci")) {
                let listed = list.iter().any(|it| it.key == path.as_str());
                assert_eq!(allowed.file(path), listed, "{path}, {name} of {}", project.name);
                agreed += usize::from(listed);
            }
        }
    }
    assert!(agreed > 30, "only {agreed} files are in any list");
}
