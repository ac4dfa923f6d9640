"""Runs pytest in the project's own interpreter, under settings that the project can describe but not weaken.

Called as `python launch.py PLAN.json`. Leaves `junit.xml`, coverage data and `summary.json` in the plan's scratch
directory; a run that ends without them has not finished, whatever its exit code says. Standard library only, apart
from pytest itself and what it brings.
"""

import configparser
import importlib.metadata
import json
import os
import shlex
import sys
import xml.etree.ElementTree

# Options in `addopts` that add to a run or describe it. The value says whether an argument follows.
KEPT = {
    "-W": True,
    "--pythonwarnings": True,
    "--import-mode": True,
    "--strict": False,
    "--strict-config": False,
    "--strict-markers": False,
    "--runxfail": False,
    "--doctest-modules": False,
    "--doctest-glob": True,
    "--doctest-continue-on-failure": False,
    "--doctest-report": True,
    "--capture": True,
    "-s": False,
    "--asyncio-mode": True,
    "--anyio-mode": True,
    "-n": True,
    "--numprocesses": True,
    "--maxprocesses": True,
    "--dist": True,
    "--forked": False,
    "--timeout": True,
    "--timeout-method": True,
    "--ds": True,
    "--dc": True,
    "--nomigrations": False,
    "--no-migrations": False,
    "--hypothesis-profile": True,
    "--hypothesis-seed": True,
    "--randomly-seed": True,
    "--random-order": False,
    "--disable-socket": False,
    "--allow-hosts": True,
    "--allow-unix-socket": False,
    "--block-network": False,
    "--record-mode": True,
    "--log-level": True,
    "--benchmark-disable": False,
}
# Options that only change what is printed: they have no effect here, and nobody needs to be told.
SILENT = {
    "-v": False,
    "-vv": False,
    "-vvv": False,
    "--verbose": False,
    "-q": False,
    "-qq": False,
    "--quiet": False,
    "-l": False,
    "--showlocals": False,
    "--no-header": False,
    "--no-summary": False,
    "--tb": True,
    "--color": True,
    "--code-highlight": True,
    "--durations": True,
    "--durations-min": True,
    "--show-capture": True,
    "--cov-report": True,
}
# Which names are tests, with pytest's own.
NAMES = {
    "python_files": ["test_*.py", "*_test.py"],
    "python_classes": ["Test*"],
    "python_functions": ["test_*"],
}
# What a project may say about how its code is measured. What is measured, and how much is enough, is policy.
COVERAGE_RUN = ("branch", "concurrency", "plugins", "patch", "sigterm", "core", "timid", "disable_warnings")


class Recorder:
    """Writes down what pytest collected, chose and ran: a report alone does not say what it lacks."""

    def __init__(self):
        self.collected = []
        self.selected = []
        self.reported = []
        self.passed_unexpectedly = []
        self.passed_over = []
        self.returned = []

    def pytest_itemcollected(self, item):
        self.collected.append(item.nodeid)

    def pytest_collection_finish(self, session):
        self.selected = [item.nodeid for item in session.items]

    def pytest_xdist_node_collection_finished(self, node, ids):
        self.selected = list(ids)

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown" or report.failed:
            self.reported.append(report.nodeid)
        if report.when == "call" and report.passed and hasattr(report, "wasxfail"):
            self.passed_unexpectedly.append(report.nodeid)

    def pytest_warning_recorded(self, warning_message, nodeid):
        kind, why = warning_message.category.__name__, " ".join(str(warning_message.message).split())
        if kind == "PytestCollectionWarning":
            self.passed_over.append((warning_message.filename, warning_message.lineno, why))
        elif kind == "PytestReturnNotNoneWarning":
            self.returned.append(nodeid)


def toml(path):
    try:
        import tomllib
    except ImportError:
        import tomli as tomllib
    with open(path, "rb") as file:
        return tomllib.load(file)


def sections(path):
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    parser.optionxform = str
    parser.read(path, encoding="utf-8")
    return {name: dict(parser.items(name)) for name in parser.sections()}


def pytest_settings(project):
    """The project's own configuration file of pytest and what it says, in pytest's own order of precedence."""
    at = lambda name: os.path.join(project, name)
    for name in ("pytest.toml", ".pytest.toml"):
        if os.path.isfile(at(name)):
            return at(name), toml(at(name)).get("pytest", {})
    for name in ("pytest.ini", ".pytest.ini"):
        if os.path.isfile(at(name)):
            return at(name), sections(at(name)).get("pytest", {})
    tool = toml(at("pyproject.toml")).get("tool", {})
    if "pytest" in tool:
        table = tool["pytest"]
        return at("pyproject.toml"), table.get("ini_options", table)
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if os.path.isfile(at(name)):
            found = sections(at(name))
            if section in found:
                return at(name), found[section]
    return None, {}


def widened(settings):
    """What pytest takes for a test: a project may name more than pytest's own, not less."""
    arguments = []
    for key, own in NAMES.items():
        if key in settings:
            more = settings[key]
            more = shlex.split(more or "") if isinstance(more, str) else [str(name) for name in more]
            arguments += ["-o", f"{key}=" + shlex.join(more + [name for name in own if name not in more])]
    return arguments


def sanitise(addopts):
    """Splits `addopts` into what is kept and what has no effect."""
    words = shlex.split(addopts or "") if isinstance(addopts, str) else [str(word) for word in addopts]
    kept, dropped = [], []
    while words:
        word = words.pop(0)
        if word.startswith("-p"):
            plugin = word[2:] or (words.pop(0) if words else "")
            (dropped if plugin.startswith("no:") else kept).append("-p" + plugin)
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if not word.startswith("--") and len(word) > 2 and word[:2] in ("-n", "-W"):
            name, equals, value = word[:2], "=", word[2:]
        takes = KEPT.get(name, SILENT.get(name))
        if takes is None:
            if name.startswith("-r") and not name.startswith("--"):
                continue
            # What belongs to an option that is not known here goes with it.
            if not equals and words and not words[0].startswith("-"):
                word += " " + words.pop(0)
            dropped.append(word)
            continue
        parts = [name]
        if takes:
            parts.append(value if equals else (words.pop(0) if words else ""))
        if name in KEPT:
            kept.extend(["=".join(parts)] if name.startswith("--") else parts)
    return kept, dropped


def coverage_settings(project):
    """The project's own configuration of coverage.py: file name, `run` settings, all settings by name, plugin sections."""
    at = lambda name: os.path.join(project, name)
    for name, prefix in ((".coveragerc", ""), ("setup.cfg", "coverage:"), ("tox.ini", "coverage:")):
        if os.path.isfile(at(name)):
            found = sections(at(name))
            own = {key[len(prefix) :]: value for key, value in found.items() if key.startswith(prefix)}
            if own:
                return name, own
    for name in (".coveragerc.toml", "pyproject.toml"):
        if os.path.isfile(at(name)):
            found = toml(at(name)).get("tool", {}).get("coverage", {})
            if found:
                return name, {key: value for key, value in found.items() if isinstance(value, dict)}
    return None, {}


def path(value):
    """A path for an INI file of coverage.py, which puts variables in the place of their names."""
    return str(value).replace("$", "$$")


def ini(value):
    """A value of a TOML file as an INI file writes it."""
    if isinstance(value, (list, tuple)):
        return "\n    " + "\n    ".join(str(item) for item in value)
    return str(value).replace("\n", "\n    ")


def coverage_files(plan, notes):
    """Writes the settings to measure under and those to report under."""
    name, own = coverage_settings(plan["project"])
    run = {key: ini(value) for key, value in own.get("run", {}).items() if key in COVERAGE_RUN}
    known = ("run", "report", "html", "xml", "json", "lcov", "paths")
    plugins = {key: value for key, value in own.items() if key not in known}
    powerless = sorted(set(own.get("run", {})) - set(COVERAGE_RUN) - {"source", "source_pkgs", "parallel", "data_file"})
    powerless += sorted(set(own.get("report", {})) & {"omit", "include", "exclude_lines", "exclude_also", "fail_under"})
    if powerless:
        notes.append(f"{name}: coverage's {', '.join(powerless)} have no effect: the project's own code is measured")
    for file, source in (("measure.ini", plan["source"]), ("report.ini", None)):
        lines = ["[run]", f"data_file = {path(plan['scratch'])}/coverage.data"]
        # What holds a comma goes to pytest-cov itself, for a comma ends an entry here.
        if source is not None and not any("," in it for it in source):
            lines.append("source =" + ini([path(it) for it in source]))
        lines += [f"{key} = {value}" for key, value in run.items()]
        lines += ["[report]", "include_namespace_packages = true"]
        for section, values in plugins.items():
            lines += [f"[{section}]"] + [f"{key} = {ini(value)}" for key, value in values.items()]
        with open(os.path.join(plan["scratch"], file), "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")


def mend(path, is_ended):
    """Makes a report of which every case has a name and one outcome."""
    tree = xml.etree.ElementTree.parse(path)
    for suite in tree.getroot().iter("testsuite"):
        for case in [case for case in suite if case.tag == "testcase"]:
            # The one test in which the session was ended is left there without a name.
            if is_ended and "name" not in case.attrib:
                suite.remove(case)
            # A test with several subtests that fail has an outcome for each.
            outcomes = [part for part in case if part.tag in ("failure", "error", "skipped")]
            for part in outcomes[1:]:
                case.remove(part)
                other = xml.etree.ElementTree.Element("testcase", {**case.attrib, "time": "0"})
                other.append(part)
                suite.insert(list(suite).index(case) + 1, other)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    # This file's directory is no place to import from; the project's own packages come first, ours last.
    sys.path[0:1] = plan["first"]
    sys.path.extend(plan["last"])
    sys.path.append(os.path.join(plan["scratch"], "plugins"))
    import pytest

    hook = pytest.hookimpl
    Recorder.pytest_collection_finish = hook(trylast=True)(Recorder.pytest_collection_finish)
    Recorder.pytest_xdist_node_collection_finished = hook(optionalhook=True)(
        Recorder.pytest_xdist_node_collection_finished
    )
    scratch, project, notes = plan["scratch"], plan["project"], []
    config, settings = pytest_settings(project)
    kept, dropped = sanitise(settings.get("addopts", ""))
    notes += [f"{os.path.basename(config)}: `{word}` in pytest's addopts has no effect" for word in dropped]
    coverage_files(plan, notes)
    if config is None:
        config = os.path.join(scratch, "empty.ini")
        with open(config, "w", encoding="utf-8") as file:
            file.write("[pytest]\n")
    # pytest puts variables in the place of their names in such paths; from the project on, none is part of them.
    left = os.path.relpath(scratch, project)
    arguments = ["-c", config, "--rootdir=.", f"--confcutdir={project}", "-o", "addopts="]
    # Kept in the scratch directory rather than switched off: tests may use the `cache` fixture.
    arguments += ["-o", f"cache_dir={scratch}/cache", "-o", "junit_family=xunit1", f"--junitxml={left}/junit.xml"]
    arguments += ["--tb=auto", "-ra", "--cov", f"--cov-config={scratch}/measure.ini", "--cov-report="]
    if any("," in it for it in plan["source"]):
        arguments.remove("--cov")
        arguments += [f"--cov={it}" for it in plan["source"]]
    arguments += ["-p", "xtask_never_ran"]
    arguments += widened(settings)
    arguments += [f"--ignore={path}" for path in plan["ignore"]]
    # pytest takes its own starting directory for an argument and finds parameters in its name.
    arguments += ["."] if "[" in project else []
    recorder = Recorder()
    sys.argv[:] = ["pytest"]
    code = pytest.main(arguments + kept, plugins=[recorder])
    if os.path.exists(f"{scratch}/junit.xml"):
        mend(f"{scratch}/junit.xml", bool(set(recorder.selected) - set(recorder.reported)))
    summary = {
        "exit": int(code),
        "pytest": importlib.metadata.version("pytest"),
        "pytest_cov": importlib.metadata.version("pytest-cov"),
        "notes": notes,
        "collected": recorder.collected,
        "selected": recorder.selected,
        "reported": recorder.reported,
        "passed_unexpectedly": recorder.passed_unexpectedly,
        "passed_over": recorder.passed_over,
        "returned": recorder.returned,
    }
    with open(os.path.join(scratch, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file)
    sys.exit(int(code))


if __name__ == "__main__":
    main()
