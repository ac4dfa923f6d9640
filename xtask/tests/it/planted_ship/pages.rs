//! Planted mistakes: pages.

use super::{CODE, EXTRA, MANIFEST};
use crate::support::{Planted, Sandbox, check_planted};

const INDEX: &str = "projects/alpha/docs/index.rst";
const BOOK: &str = "projects/alpha/docs/book.ipynb";
const CONF: &str = "projects/alpha/docs/conf.py";
const DOCS: &str = "projects/alpha/docs";

const fn red(what: &'static str, plant: fn(&Sandbox), file: &'static str, line: u32, says: &'static str) -> Planted {
    let line = if line == 0 { None } else { Some(line) };
    Planted { what, stage: "pages", project: "alpha", plant, outcome: "failure", file: Some(file), line, says }
}

/// The tool could not do its work.
const fn error(what: &'static str, plant: fn(&Sandbox), file: &'static str, line: u32, says: &'static str) -> Planted {
    Planted { outcome: "error", ..red(what, plant, file, line, says) }
}

const fn ok(what: &'static str, plant: fn(&Sandbox), says: &'static str) -> Planted {
    Planted { outcome: "success", file: None, ..red(what, plant, "", 0, says) }
}

/// Adds text to the first page, which has five lines.
fn index(sandbox: &Sandbox, text: &str) {
    sandbox.append(INDEX, &format!("\n{text}\n"));
}

/// More text in the docstring of `labels`, which begins on line 19.
fn docstring(sandbox: &Sandbox, text: &str) {
    sandbox.replace(CODE, "\"\"\"Splits a host name.\n", &format!("\"\"\"Splits a host name.\n\n{text}\n"));
}

/// A notebook with a title, one cell of code and this metadata, in the table of contents. The code stands on line 10.
fn notebook_with(sandbox: &Sandbox, path: &str, code: &str, metadata: &str) {
    let code: Vec<String> = code.lines().map(|line| format!("    {:?}", format!("{line}\n"))).collect();
    let text = format!(
        "{{\n \"cells\": [\n  {{\"cell_type\": \"markdown\", \"metadata\": {{}}, \"source\": [\"# Book\"]}},\n  {{\n   \
         \"cell_type\": \"code\",\n   \"execution_count\": null,\n   \"metadata\": {{}},\n   \"outputs\": [],\n   \
         \"source\": [\n{}\n   ]\n  }}\n ],\n \"metadata\": {metadata},\n \"nbformat\": 4,\n \"nbformat_minor\": 4\n}}\n",
        code.join(",\n")
    );
    sandbox.write(&format!("{DOCS}/{path}.ipynb"), text);
    index(sandbox, &format!(".. toctree::\n\n   {path}"));
}

fn notebook(sandbox: &Sandbox, code: &str) {
    notebook_with(sandbox, "book", code, "{}");
}

/// Something that is called a notebook.
fn no_notebook(sandbox: &Sandbox, text: &str) {
    sandbox.write(BOOK, text);
    index(sandbox, ".. toctree::\n\n   book");
}

/// `docs` is a link, as git holds it.
fn link_docs(sandbox: &Sandbox, target: &str) {
    sandbox.remove(DOCS);
    std::os::unix::fs::symlink(target, sandbox.root.join(DOCS)).expect("a link");
    sandbox.commit("a link");
}

/// The documentation elsewhere in the project, with a conf.py as `sphinx-quickstart` leaves it.
fn move_docs(sandbox: &Sandbox, to: &str) {
    let text = sandbox.read(INDEX);
    sandbox.remove(DOCS);
    sandbox.write(&format!("projects/alpha/{to}/index.rst"), text);
    sandbox.write(&format!("projects/alpha/{to}/conf.py"), "project = \"alpha\"\n");
}

#[test]
fn documents() {
    check_planted(&[
        ok("nothing", |_| {}, "4 pages"),
        red("an unknown directive", |it| index(it, ".. nonsense:: x"), INDEX, 7, "Unknown directive type \"nonsense\""),
        red("an unknown label", |it| index(it, "See :ref:`nowhere`."), INDEX, 7, "undefined label: 'nowhere'"),
        red("an unknown document", |it| index(it, "See :doc:`nowhere`."), INDEX, 7, "unknown document: 'nowhere'"),
        red(
            "an object of ours that does not exist",
            |it| index(it, "See :py:func:`alpha.nothing` and :py:func:`~alpha.encode`."),
            INDEX,
            7,
            "alpha.nothing does not exist",
        ),
        ok(
            "an object of ours that no page describes, and one of others",
            |it| {
                it.write(EXTRA, "\"\"\"More.\"\"\"\n\nONE = 1\n");
                index(
                    it,
                    "See :py:data:`alpha.extra.ONE`, :py:mod:`alpha.extra`, :py:func:`json.dump` and :class:`Nothing`.",
                );
            },
            "4 pages",
        ),
        red(
            "a table of contents with a document that is not there",
            |it| index(it, ".. toctree::\n\n   nowhere"),
            INDEX,
            7,
            "nonexisting document 'nowhere'",
        ),
        red(
            "a document in no table of contents",
            |it| it.write("projects/alpha/docs/more.rst", "More\n====\n"),
            "projects/alpha/docs/more.rst",
            0,
            "toc.not_included",
        ),
        red(
            "a short title underline",
            |it| index(it, "A longer title\n------\n\nText."),
            INDEX,
            8,
            "Title underline too short",
        ),
        red("an image that is not there", |it| index(it, ".. image:: no.png"), INDEX, 7, "not readable: no.png"),
        red("an include that is not there", |it| index(it, ".. include:: no.txt"), INDEX, 7, "No such file"),
        red(
            "an object twice",
            |it| index(it, ".. autofunction:: alpha.labels"),
            DOCS,
            0,
            "duplicate object description of alpha.labels",
        ),
        error(
            "a document that is no UTF-8",
            |it| it.write(INDEX, b"alpha\n=====\n\nCaf\xe9\n"),
            INDEX,
            4,
            "it is no UTF-8",
        ),
        ok("no documentation: a page is made of the modules", |it| it.remove(DOCS), "4 pages"),
        red(
            "no documentation, and a bad docstring",
            |it| {
                it.remove(DOCS);
                docstring(it, "    A ``b.");
            },
            CODE,
            21,
            "Inline literal start-string",
        ),
        ok(
            "no documentation of a program that is not installed",
            |it| {
                it.remove(DOCS);
                let system = "\n[build-system]\nrequires = [\"uv_build>=0.8\"]\nbuild-backend = \"uv_build\"\n";
                it.replace(MANIFEST, system, "");
                it.uv(&["lock", "--quiet", "--project", "projects/alpha"]);
            },
            "4 pages",
        ),
        ok("documents in docs/source", |it| move_docs(it, "docs/source"), "4 pages"),
        red(
            "an unknown directive in docs/source",
            |it| {
                index(it, ".. nonsense:: x");
                move_docs(it, "docs/source");
            },
            "projects/alpha/docs/source/index.rst",
            7,
            "Unknown directive type",
        ),
        red(
            "an unknown directive in doc",
            |it| {
                index(it, ".. nonsense:: x");
                move_docs(it, "doc");
            },
            "projects/alpha/doc/index.rst",
            7,
            "Unknown directive type",
        ),
        ok(
            "tests inside a package, and no documentation",
            |it| {
                it.remove(DOCS);
                it.write("projects/alpha/src/alpha/tests/test_inner.py", "import nothing_of_the_kind\n");
            },
            "4 pages",
        ),
        error("a directory elsewhere", |it| link_docs(it, "/usr/share/doc"), DOCS, 0, "`docs` is a symbolic link"),
        error(
            "a directory elsewhere in the repository",
            |it| {
                it.write("handbook/index.rst", "alpha\n=====\n\n.. nonsense:: x\n");
                link_docs(it, "../../handbook");
            },
            DOCS,
            0,
            "`docs` is a symbolic link",
        ),
        error(
            "a file instead of a directory",
            |it| {
                it.remove(DOCS);
                it.write(DOCS, "see elsewhere\n");
            },
            DOCS,
            0,
            "`docs` is no directory",
        ),
        red(
            "markdown as the first page",
            |it| {
                it.remove(INDEX);
                it.write("projects/alpha/docs/index.md", "# alpha\n");
            },
            "projects/alpha/docs/index.md",
            0,
            "add myst-parser",
        ),
        ok(
            "markdown that becomes no page",
            |it| it.write("projects/alpha/docs/more.md", "# more\n"),
            "not-published projects/alpha/docs/more.md",
        ),
        red(
            "a file outside the project",
            |it| index(it, ".. literalinclude:: ../../beta/src/beta/__init__.py"),
            INDEX,
            7,
            "'projects/beta/src/beta/__init__.py' not found",
        ),
        ok(
            "a file outside the project that it names",
            |it| {
                index(it, ".. literalinclude:: ../../beta/src/beta/__init__.py");
                it.append(MANIFEST, "\n[tool.xtask]\ninputs = [\"../beta/src/**/*.py\"]\n");
            },
            "4 pages",
        ),
    ]);
}

#[test]
fn docstrings() {
    const QUOTE: &str = "Inline literal start-string without end-string";
    check_planted(&[
        red(
            "an indentation",
            |it| docstring(it, "    One.\n    Two:\n      - three\n     four."),
            CODE,
            23,
            "Unexpected indentation",
        ),
        red(
            "a docstring that begins on its second line",
            |it| it.replace(CODE, "\"\"\"Splits a host name.", "\"\"\"\n    Splits a host name.\n\n    A ``b."),
            CODE,
            22,
            QUOTE,
        ),
        red("in Args", |it| it.replace(CODE, "The name, with", "The ``name, with"), CODE, 22, QUOTE),
        red("in Returns", |it| it.replace(CODE, "Its labels", "Its ``labels"), CODE, 25, QUOTE),
        red(
            "of a function inside an `if`",
            |it| {
                it.append(
                    CODE,
                    "\n\nif True:\n\n    def late():\n        \"\"\"Late.\n\n        A ``b.\n        \"\"\"\n",
                )
            },
            CODE,
            35,
            QUOTE,
        ),
        red(
            "of an overloaded function",
            |it| {
                let two =
                    "@overload\ndef two(a: int) -> int: ...\n@overload\ndef two(a: str) -> str: ...\ndef two(a):\n";
                it.append(
                    CODE,
                    &format!("\n\nfrom typing import overload\n{two}    \"\"\"Two.\n\n    A ``b.\n    \"\"\"\n"),
                );
            },
            CODE,
            38,
            QUOTE,
        ),
        red(
            "of a property",
            |it| {
                let property = "    @property\n    def b(self):\n        \"\"\"B.\n\n        A ``b.\n        \"\"\"\n";
                it.append(CODE, &format!("\n\nclass A:\n    \"\"\"A.\"\"\"\n\n{property}"));
            },
            CODE,
            37,
            QUOTE,
        ),
        red("of a constant", |it| it.append(CODE, "\n\nONE = 1\n\"\"\"One.\n\nA ``b.\n\"\"\"\n"), CODE, 33, QUOTE),
        red("a comment on a constant", |it| it.append(CODE, "\n\n#: One ``b.\nONE = 1\n"), CODE, 30, QUOTE),
        red(
            "of a function that the package passes on",
            |it| {
                it.write(EXTRA, "\"\"\"More.\"\"\"\n\n\ndef three():\n    \"\"\"Three.\n\n    A ``b.\n    \"\"\"\n");
                it.append(CODE, "\nfrom alpha.extra import three\n\n__all__ = [\"three\"]\n");
            },
            EXTRA,
            7,
            QUOTE,
        ),
    ]);
}

#[test]
fn modules_that_do_not_import() {
    check_planted(&[
        red(
            "a module that nobody has",
            |it| it.append(CODE, "\nimport strange\n"),
            CODE,
            29,
            "failed to import 'alpha'; the following exception was raised: ModuleNotFoundError: No module named 'strange'",
        ),
        red("a syntax error", |it| it.append(CODE, "\nx = = 2\n"), CODE, 29, "was raised: SyntaxError: invalid syntax"),
        red("an error", |it| it.append(CODE, "\nONE = 1 / 0\n"), CODE, 29, "was raised: ZeroDivisionError"),
        red("an exit", |it| it.append(CODE, "\nimport sys\nsys.exit(0)\n"), CODE, 0, "sys.exit()"),
        red(
            "a module that the project does not have",
            |it| index(it, ".. automodule:: alpha.nowhere"),
            DOCS,
            0,
            "No module named 'alpha.nowhere'",
        ),
        Planted {
            outcome: "error",
            file: None,
            ..red("an end of the interpreter", |it| it.append(CODE, "\nimport os\nos._exit(0)\n"), "", 0, "`os._exit`")
        },
        Planted {
            project: "gamma",
            ..red(
                "a name that a local dependency no longer has",
                |it| it.replace(CODE, "def labels", "def parts"),
                "projects/gamma/src/gamma/__init__.py",
                3,
                "cannot import name 'labels' from 'alpha'",
            )
        },
    ]);
}

#[test]
fn notebooks() {
    check_planted(&[
        ok("one that runs", |it| notebook(it, "import alpha\nalpha.labels('a.b')"), "5 pages"),
        red(
            "an undefined name",
            |it| notebook(it, "one = 1\nundefined_thing"),
            BOOK,
            11,
            "NameError: name 'undefined_thing' is not defined",
        ),
        red(
            "an undefined name, in a directory",
            |it| notebook_with(it, "deep/book", "undefined_thing", "{}"),
            "projects/alpha/docs/deep/book.ipynb",
            10,
            "NameError",
        ),
        red("code that does not parse", |it| notebook(it, "one = 1\ntwo = = 2"), BOOK, 11, "SyntaxError"),
        red(
            "an error in what it calls",
            |it| {
                it.append(CODE, "\n\ndef bad():\n    raise ValueError('mine')\n");
                notebook(it, "import alpha\nalpha.bad()");
            },
            BOOK,
            11,
            "ValueError: mine",
        ),
        red("the end of its interpreter", |it| notebook(it, "import os\nos._exit(0)"), BOOK, 0, "Kernel died"),
        error(
            "a kernel that does not start, for the project hides a module of it",
            |it| {
                notebook(it, "1");
                it.write("projects/alpha/src/comm/__init__.py", "\"\"\"Hides one.\"\"\"\n\nimport no_such_module\n");
                let names = "[tool.uv.build-backend]\nmodule-name = [\"alpha\", \"comm\"]\n";
                it.append("projects/alpha/pyproject.toml", &format!("\n{names}"));
            },
            BOOK,
            0,
            "no Jupyter kernel started here",
        ),
        red(
            "one that asks not to be run",
            |it| notebook_with(it, "book", "undefined_thing", "{\"nbsphinx\": {\"execute\": \"never\"}}"),
            BOOK,
            14,
            "what is not run proves nothing",
        ),
        red(
            "one with a cell that asks not to be run",
            |it| {
                notebook(it, "undefined_thing");
                let at = "\"execution_count\": null,\n   \"metadata\": {";
                it.replace(BOOK, at, &format!("{at}\"tags\": [\"skip-execution\"]"));
            },
            BOOK,
            7,
            "has the tag `skip-execution`",
        ),
        red(
            "one that may not fail",
            |it| notebook_with(it, "book", "undefined_thing", "{\"nbsphinx\": {\"allow_errors\": true}}"),
            BOOK,
            14,
            "no cell of it can fail",
        ),
        error("one that is no JSON", |it| no_notebook(it, "{\"cells\": [\n"), BOOK, 2, "it is no JSON: EOF"),
        error("one that is empty", |it| no_notebook(it, ""), BOOK, 1, "it is no JSON"),
        error("JSON that is no notebook", |it| no_notebook(it, "{}\n"), BOOK, 1, "but no notebook"),
    ]);
}

#[test]
fn settings_of_a_project() {
    check_planted(&[
        ok("a title", |it| it.write(CONF, "html_title = \"Alpha!\"\n\n\ndef setup(app):\n    pass\n"), "4 pages"),
        ok(
            "files beside it",
            |it| {
                it.write(
                    CONF,
                    "html_static_path = ['_static']\nhtml_logo = 'logo.svg'\ntext = open('note.txt').read()\n",
                );
                it.write("projects/alpha/docs/_static/own.css", "p {}\n");
                it.write("projects/alpha/docs/logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
                it.write("projects/alpha/docs/note.txt", "text\n");
            },
            "4 pages",
        ),
        error("an error", |it| it.write(CONF, "one = 1\nraise ValueError('mine')\n"), CONF, 2, "ValueError: mine"),
        error("a syntax error", |it| it.write(CONF, "one = 1\ntwo = = 2\n"), CONF, 2, "syntax error"),
        error("an exit", |it| it.write(CONF, "import sys\nsys.exit(0)\n"), CONF, 2, "sys.exit()"),
        error(
            "an extension that nobody has",
            |it| it.write(CONF, "extensions = [\n    'nothing_of_the_kind',\n]\n"),
            CONF,
            2,
            "Could not import extension nothing_of_the_kind",
        ),
        error("no such theme", |it| it.write(CONF, "html_theme = 'strange'\n"), CONF, 1, "no theme named 'strange'"),
        red("a value of another type", |it| it.write(CONF, "\nhtml_title = 5\n"), CONF, 2, "has type `int'"),
        error("a bad setup", |it| it.write(CONF, "def setup(app):\n    return 1 / 0\n"), CONF, 2, "ZeroDivisionError"),
        error("another first page", |it| it.write(CONF, "root_doc = 'start'\n"), CONF, 0, "docs/start.rst"),
        red(
            "one that silences warnings",
            |it| {
                it.write(CONF, "suppress_warnings = ['docutils', 'app', 'autodoc', 'ref']\n");
                index(it, ".. nonsense:: x");
            },
            INDEX,
            7,
            "Unknown directive type",
        ),
        red(
            "one that silences warnings when it is set up",
            |it| {
                let setup = "import logging\n\n\ndef setup(app):\n    app.config.suppress_warnings = ['*', 'docutils']\n    logging.disable(logging.CRITICAL)\n";
                it.write(CONF, setup);
                index(it, ".. nonsense:: x");
            },
            INDEX,
            7,
            "Unknown directive type",
        ),
        red(
            "one that mocks what is missing",
            |it| {
                it.write(CONF, "autodoc_mock_imports = ['strange']\n");
                it.append(CODE, "\nimport strange\n");
            },
            CODE,
            29,
            "No module named 'strange'",
        ),
        ok(
            "one that keeps a document away",
            |it| {
                it.write(CONF, "exclude_patterns = ['part.rst']\n");
                it.write("projects/alpha/docs/part.rst", "A part.\n");
                index(it, ".. include:: part.rst");
            },
            "not-published projects/alpha/docs/part.rst",
        ),
        red(
            "one that keeps a notebook away",
            |it| {
                it.write(CONF, "exclude_patterns = ['book.ipynb']\n");
                no_notebook(it, "{\"cells\": [], \"metadata\": {}, \"nbformat\": 4, \"nbformat_minor\": 4}");
                it.replace(INDEX, ".. toctree::\n\n   book\n", "");
            },
            BOOK,
            0,
            "`exclude_patterns` in conf.py keeps it away",
        ),
        error(
            "inventories that cannot be reached",
            |it| {
                let conf = "extensions = ['sphinx.ext.intersphinx']\nintersphinx_mapping = {'x': ('http://127.0.0.1:9/', None)}\n";
                it.write(CONF, conf);
            },
            DOCS,
            0,
            "failed to reach any of the inventories",
        ),
        red(
            "one that runs no notebook",
            |it| {
                it.write(CONF, "nbsphinx_execute = 'never'\nnbsphinx_allow_errors = True\n");
                notebook(it, "undefined_thing");
            },
            BOOK,
            10,
            "NameError",
        ),
    ]);
}

/// The pages below a directory, as paths in it.
fn pages(sandbox: &Sandbox, dir: &str, found: &mut Vec<String>) {
    for entry in sandbox.root.join(dir).read_dir_utf8().expect("a directory") {
        let entry = entry.expect("an entry");
        let path = format!("{dir}/{}", entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            pages(sandbox, &path, found);
        } else if path.ends_with(".html") {
            found.push(path);
        }
    }
}

#[test]
fn the_site_leads_to_every_project_and_back() {
    let sandbox = Sandbox::in_directory("a repo, mit Ümläuten");
    notebook_with(&sandbox, "deep/book", "1 + 1", "{}");
    sandbox.write("projects/alpha/docs/_static/widget.html", "<html><body>bare</body></html>\n");
    sandbox.write(CONF, "html_static_path = [\"_static\"]\n");
    let ran = sandbox.xtask(&["stage", "pages"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let index = sandbox.read("target/ci/site/index.html");
    for name in ["alpha", "beta", "gamma"] {
        assert!(index.contains(&format!("href=\"{name}/index.html\"")), "{index}");
        let mut found = Vec::new();
        pages(&sandbox, &format!("target/ci/site/{name}"), &mut found);
        assert!(found.len() >= 4, "{found:?}");
        for page in found {
            let text = sandbox.read(&page);
            let title = text.find("&larr; ").map(|at| &text[..at]);
            if page.contains("/_static/") {
                assert_eq!(title, None, "{page} is only copied:\n{text}");
                continue;
            }
            let link = title.and_then(|it| it.rsplit_once("<a href=\"")).map(|(_, it)| it.trim_end_matches("\">"));
            let link = link.unwrap_or_else(|| panic!("{page} does not lead back:\n{text}"));
            let target = sandbox.root.join(&page).parent().expect("a directory").join(link).canonicalize_utf8();
            assert_eq!(target.expect("a page"), sandbox.root.join("target/ci/site/index.html"), "{page}");
        }
    }
    assert!(sandbox.root.join("target/ci/site/alpha/deep/book.html").is_file());
}

#[test]
fn a_project_that_is_gone_leaves_the_site() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.xtask(&["stage", "pages", "--project", "alpha", "beta"]).code, 0);
    sandbox.remove("projects/beta");
    assert_eq!(sandbox.xtask(&["stage", "pages", "--project", "alpha"]).code, 0);
    assert!(!sandbox.root.join("target/ci/site/beta").exists());
    let index = sandbox.read("target/ci/site/index.html");
    assert!(index.contains("alpha/index.html") && !index.contains("beta"), "{index}");
}

#[test]
fn a_waived_notebook_is_published() {
    let sandbox = Sandbox::new();
    notebook_with(&sandbox, "book", "undefined_thing", "{\"nbsphinx\": {\"execute\": \"never\"}}");
    let waiver =
        "stage = \"pages\"\nrule = \"notebook-not-run\"\nowner = \"a@example.org\"\nreason = \"needs a GPU\"\n";
    sandbox.append(MANIFEST, &format!("\n[[tool.xtask.waiver]]\n{waiver}expires = 2999-12-31\n"));
    let ran = sandbox.xtask(&["stage", "pages", "--project", "alpha"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let cases = sandbox.junit("alpha", "pages");
    assert!(cases.iter().any(|it| it.outcome == "skipped" && it.message.contains("needs a GPU")), "{cases:#?}");
    assert!(sandbox.root.join("target/ci/site/alpha/book.html").is_file());
}
