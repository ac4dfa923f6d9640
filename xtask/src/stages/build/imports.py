"""Imports modules and resolves entry points in the interpreter that runs it, and says how each went.

Arguments: a JSON file with what to do, and the file for the answers. One line of JSON is written before each step and
one after it, so that an import that ends the interpreter is still known by its name.
"""

import ast
import functools
import importlib
import json
import re
import sys
import traceback

wanted = json.load(open(sys.argv[1], encoding="utf-8"))
answers = open(sys.argv[2], "w", encoding="utf-8")
# Whatever is imported sees a plain program without arguments.
sys.argv[:] = ["-"]


def say(**line):
    """Writes one line at once."""
    answers.write(json.dumps(line) + "\n")
    answers.flush()


def frames(error):
    """Where it happened, outermost first; for a syntax error the line that does not parse comes last."""
    found = [[frame.filename, frame.lineno] for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        found.append([error.filename, error.lineno])
    return found


def text(error):
    """The traceback from the first line of installed code on."""
    start = error.__traceback__
    while start and not start.tb_frame.f_code.co_filename.startswith(wanted["site"]):
        start = start.tb_next
    return "".join(traceback.format_exception(type(error), error, start))


def attempt(what, work):
    """Does one step."""
    say(kind="begin", what=what)
    try:
        work()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        say(
            kind="failed",
            what=what,
            type=type(error).__name__,
            message=str(error),
            missing=missing,
            standard=bool(missing) and missing.split(".")[0] in sys.stdlib_module_names,
            frames=frames(error),
            text=text(error),
        )
    else:
        say(kind="ok", what=what)


def load(name):
    """Imports a module, which must be the wheel's own and no other of the same name."""
    module = importlib.import_module(name)
    origin = getattr(module, "__file__", None)
    where = [origin] if origin else list(getattr(module, "__path__", []))
    if not any(str(path).startswith(wanted["site"] + "/") for path in where):
        raise ImportError(f"`import {name}` finds another module: {', '.join(map(str, where)) or 'a built-in one'}")


def is_main_guard(node):
    """Is it `if __name__ == "__main__":`?"""
    return isinstance(node, ast.If) and ast.unparse(node.test).replace("'", '"') in (
        '__name__ == "__main__"',
        '"__main__" == __name__',
    )


def run_imports(package, path):
    """Does what a `__main__.py` imports without running what it is for: that may be a whole program."""
    with open(path, "rb") as file:
        body = ast.parse(file.read(), filename=path).body
    statements = [inner for node in body for inner in (node.body if is_main_guard(node) else [node])]
    names = {"__name__": package + ".__main__", "__package__": package, "__file__": path}
    for node in statements:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__":
            exec(compile(ast.Module([node], []), path, "exec"), names)


def resolve(group, value):
    """Finds the object that an entry point names; a script is called, so it must be something that can be."""
    match = re.fullmatch(r"\s*([\w.]+)\s*(?::\s*([\w.]+)\s*)?(?:\[.*\]\s*)?", value)
    if not match:
        raise ValueError(f"`{value}` is no object reference")
    target = importlib.import_module(match[1])
    found = functools.reduce(getattr, filter(None, (match[2] or "").split(".")), target)
    if group in ("console_scripts", "gui_scripts") and not callable(found):
        raise TypeError(f"`{value}` is no function but of type {type(found).__name__}")


for name in wanted["modules"]:
    attempt(name, functools.partial(load, name))
for package in wanted["mains"]:
    path = "/".join([wanted["site"], *package.split("."), "__main__.py"])
    attempt(package + ".__main__", functools.partial(run_imports, package, path))
for point in wanted["entry_points"]:
    attempt(point["name"], functools.partial(resolve, point["group"], point["value"]))
say(kind="end")
