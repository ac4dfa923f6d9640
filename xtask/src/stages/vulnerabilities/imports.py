"""Says where first-party code imports the given modules, by reading its syntax: nothing is executed.

Argument: a file with {"files": [path, ...], "names": ["yaml", "google.cloud.storage", ...]}. Output, one JSON object:
  {"found": {name: [[path, line], ...]}, "computed": [[path, line], ...], "errors": [[path, reason], ...]}
Every name has its entry, empty when no file imports it. Seen: imports anywhere in a file (also in functions, in `try`
and under TYPE_CHECKING), `importlib.import_module("x")` and `__import__("x")` with a constant name. Where the name is
computed the place is in "computed", a file that cannot be parsed is in "errors": an absent import then means nothing.
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


def asked(node: ast.AST, importing: set[str]) -> list[ast.expr]:
    """Lists what names the module, when the node is a call that imports one."""
    function = getattr(node, "func", None)
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if not isinstance(node, ast.Call) or called not in importing:
        return []
    return node.args[:1] or [word.value for word in node.keywords if word.arg == "name"]


def constant(node: ast.Call, importing: set[str]) -> list[str]:
    """Lists the module that a call imports, when it is an importing call with a constant, absolute name."""
    values = [value.value for value in asked(node, importing) if isinstance(value, ast.Constant)]
    return [value for value in values if isinstance(value, str) and not value.startswith(".")]


def is_computed(name: ast.expr) -> bool:
    """Can only a run tell the name? One that begins with a constant dot is a module of our own."""
    first = name.values[0] if isinstance(name, ast.JoinedStr) and name.values else name
    first = first.left if isinstance(first, ast.BinOp) else first
    is_own = isinstance(first, ast.Constant) and str(first.value).startswith(".")
    return not isinstance(name, ast.Constant) and not is_own


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
    errors, computed = [], set()
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
            if any(map(is_computed, asked(node, importing))):
                computed.add((path, node.lineno))
            for module in imported(node, importing):
                # `import google.cloud` does not reach google.cloud.storage, `import yaml.nodes` does reach yaml.
                parts = module.split(".")
                for depth in range(1, len(parts) + 1):
                    name = ".".join(parts[:depth])
                    if name in found:
                        found[name].add((path, node.lineno))
    answer = {name: sorted(places) for name, places in sorted(found.items())}
    json.dump({"found": answer, "computed": sorted(computed), "errors": sorted(errors)}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
