"""Finds the line where the docstring of an object begins.

Usage: locate.py < lines of FILE<TAB>DOTTED.NAME; prints one line number for each, or 0.
"""

import ast
import sys


def docstring_line(path: str, dotted: str) -> int:
    with open(path, "rb") as file:
        body = ast.parse(file.read()).body
    parts = dotted.split(".")
    # How many of the first parts name modules is not known: try the longest inner name first.
    for start in range(len(parts) + 1):
        found = search(body, parts[start:])
        if found:
            return found
    return 0


def search(body: list, names: list) -> int:
    if not names:
        return first_string(body)
    for node in body:
        if getattr(node, "name", None) == names[0] and hasattr(node, "body"):
            return search(node.body, names[1:])
    return 0


def first_string(body: list) -> int:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.lineno
    return 0


for line in open(sys.argv[1], encoding="utf-8"):
    path, dotted = line.rstrip("\n").split("\t")
    try:
        print(docstring_line(path, dotted))
    except (OSError, SyntaxError, ValueError):
        print(0)
