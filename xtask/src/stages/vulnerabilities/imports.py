"""Says where first-party code imports the given modules, by reading its syntax: nothing is executed.

Argument: a file with {"files": [path, ...], "names": ["yaml", "google.cloud.storage", ...]}. Output, one JSON object:
  {"found": {name: [[path, line], ...]}, "errors": [[path, reason], ...]}
Every name has its entry, empty when no file imports it. Seen: imports anywhere in a file (also in functions, in `try`
and under TYPE_CHECKING), `importlib.import_module("x")` and `__import__("x")` with a constant name. Not seen: names that
are computed. A file that cannot be parsed is in "errors": an absent import then means nothing.
"""

from __future__ import annotations

import ast
import json
import pathlib
import sys
import warnings


def importers(tree: ast.AST) -> set[str]:
    """Lists the names under which a file calls import_module and __import__."""
    names = {"import_module", "__import__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "importlib":
            names.update(alias.asname or alias.name for alias in node.names if alias.name in names)
    return names


def constant(node: ast.Call, importing: set[str]) -> list[str]:
    """Lists the module that a call imports, when it is an importing call with a constant, absolute name."""
    function = node.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if called not in importing:
        return []
    named = [word.value for word in node.keywords if word.arg == "name"]
    values = [value.value for value in (node.args[:1] or named) if isinstance(value, ast.Constant)]
    return [value for value in values if isinstance(value, str) and not value.startswith(".")]


def imported(node: ast.AST, importing: set[str]) -> list[str]:
    """Lists the modules a node imports; `from a import b` gives a.b, since b may be a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return constant(node, importing) if isinstance(node, ast.Call) else []


def main(request_file: str) -> None:
    """Reads the request and prints the answer."""
    request = json.loads(pathlib.Path(request_file).read_text(encoding="utf-8"))
    found = {name: set() for name in request["names"]}
    errors = []
    warnings.simplefilter("ignore")
    for path in request["files"]:
        try:
            # Bytes, not text: the parser then honours the encoding that the file declares.
            tree = ast.parse(pathlib.Path(path).read_bytes(), filename=path)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            errors.append([path, f"{type(error).__name__}: {error}"])
            continue
        importing = importers(tree)
        for node in ast.walk(tree):
            for module in imported(node, importing):
                # `import google.cloud` does not reach google.cloud.storage, `import yaml.nodes` does reach yaml.
                parts = module.split(".")
                for depth in range(1, len(parts) + 1):
                    name = ".".join(parts[:depth])
                    if name in found:
                        found[name].add((path, node.lineno))
    answer = {name: sorted(places) for name, places in sorted(found.items())}
    json.dump({"found": answer, "errors": sorted(errors)}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
