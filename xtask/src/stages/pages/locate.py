"""Finds the lines that warnings about docstrings mean.

Usage: locate.py QUESTIONS RECORD

QUESTIONS has lines FILE<TAB>DOTTED.NAME<TAB>NUMBER, RECORD the docstrings as Sphinx parsed them, one JSON list of name and
lines on each line: NUMBER counts those, which napoleon has rewritten. Prints for each question the file that defines the object and the line of it, or 0.
"""

import ast
import json
import re
import sys
from pathlib import Path


def docstring(path: str, dotted: str) -> tuple:
    """The file, the lines of it, and the first and last line of the docstring of an object, or zeros."""
    parts = dotted.split(".")
    for file, names in candidates(Path(path), parts):
        content = file.read_bytes()
        source = content.decode("utf-8-sig").splitlines()
        first, last = search(ast.parse(content).body, source, names)
        if first:
            return file, source, first, last
    return path, [], 0, 0


def candidates(path: Path, parts: list):
    """Files that may define an object, with its name in them; what a package only passes on is defined elsewhere."""
    top = next((it.parent for it in [path.with_suffix(""), *path.parents] if it.name == parts[0]), path.parent)
    for end in range(len(parts), 0, -1):
        module = top.joinpath(*parts[:end])
        for file in (module.with_suffix(".py"), module / "__init__.py"):
            if file.is_file():
                yield file, parts[end:]
    yield from ((path, parts[start:]) for start in range(1, len(parts)))


def search(body: list, source: list, names: list) -> tuple:
    """The same below a list of statements."""
    if not names:
        return text_lines(body[0] if body else None)
    nodes = list(flat(body))
    # An overload and a setter have the name too, but no docstring.
    for node in nodes:
        if getattr(node, "name", None) == names[0] and hasattr(node, "body"):
            found = search(node.body, source, names[1:])
            if found[0]:
                return found
    if len(names) == 1:
        for node, after in zip(nodes, [*nodes[1:], None]):
            if names[0] in targets(node):
                found = text_lines(after)
                return found if found[0] else comment(node, source)
    return 0, 0


def flat(body: list):
    """The statements of a block, with those inside `if`, `try` and `with`."""
    for node in body:
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            for inner in ("body", "handlers", "orelse", "finalbody"):
                for part in getattr(node, inner, []):
                    yield from flat(part.body if isinstance(part, ast.ExceptHandler) else [part])


def targets(node: ast.stmt) -> list:
    """The names that an assignment binds."""
    found = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in found if isinstance(target, ast.Name)]


def text_lines(node) -> tuple:
    """Where a statement that is a string begins and ends."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.lineno, node.end_lineno
    return 0, 0


def comment(node: ast.stmt, source: list) -> tuple:
    """The `#:` comment above a statement or behind it."""
    first = node.lineno
    while first > 1 and source[first - 2].strip().startswith("#:"):
        first -= 1
    return first, node.end_lineno


def line_of(source: list, first: int, last: int, parsed: list, number: int) -> int:
    """The line of the file that holds a line of the parsed docstring."""
    written = {at: source[at - 1].strip().lstrip("rRuU").lstrip("\"'").rstrip("\"'").strip() for at in range(first, last + 1)}
    for back in range(min(number, len(parsed))):
        at = number - 1 - back
        text = essence(parsed[at]) if at < len(parsed) else ""
        if not text:
            continue
        places = [it for it, line in written.items() if line == text]
        places = places or [it for it, line in written.items() if line.endswith(text)]
        if places:
            earlier = sum(essence(it) == text for it in parsed[:at])
            return min(places[min(earlier, len(places) - 1)] + back, last)
    # A docstring may begin with an empty line, which does not count.
    begin = next((at for at, line in written.items() if line), first)
    return min(begin + max(number, 1) - 1, last)


def essence(line: str) -> str:
    """A line without the field name that napoleon puts before what was written."""
    return re.sub(r"^:[^:`]+: ?", "", line.strip())


def main(questions: str, record: str) -> None:
    """Answers every question."""
    parsed = {}
    try:
        with open(record, encoding="utf-8") as file:
            parsed = dict(json.loads(line) for line in file)
    except FileNotFoundError:
        pass
    for question in open(questions, encoding="utf-8"):
        path, dotted, number = question.rstrip("\n").split("\t")
        try:
            file, source, first, last = docstring(path, dotted)
            line = line_of(source, first, last, parsed.get(dotted, []), int(number)) if first else 0
            print(f"{file}\t{line}")
        except (OSError, SyntaxError, ValueError):
            print(f"{path}\t0")


main(*sys.argv[1:])
