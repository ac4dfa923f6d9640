"""The one Sphinx configuration of the repository.

A project may describe its documentation in a `docs/conf.py` of its own (title, further extensions, theme options). It is
read first; what stands below "the policy" holds whatever it says.
"""

import contextlib
import importlib
import json
import logging
import os
from pathlib import Path

from docutils import nodes
from sphinx.util.logging import getLogger

project = os.environ["XTASK_PROJECT"]
version = release = os.environ["XTASK_VERSION"]
author = ""
project_copyright = ""

html_theme = "alabaster"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
extensions = []
exclude_patterns = []

_own = Path(os.environ["XTASK_DOCS"], "conf.py")
if _own.is_file():
    _namespace = {**globals(), "__file__": str(_own)}
    # Paths in it are relative to its own directory, as everywhere.
    with contextlib.chdir(_own.parent):
        exec(compile(_own.read_bytes(), str(_own), "exec"), _namespace)
    for _name in ("html_static_path", "html_extra_path", "templates_path"):
        if isinstance(_namespace.get(_name), list):
            _namespace[_name] = [str(_own.parent / it) for it in _namespace[_name]]
    for _name in ("html_logo", "html_favicon"):
        if isinstance(_namespace.get(_name), str) and "://" not in _namespace[_name]:
            _namespace[_name] = str(_own.parent / _namespace[_name])
    globals().update(
        {name: value for name, value in _namespace.items() if not name.startswith("_")}
    )

# The policy: what every project's documentation must be, whatever its own conf.py says.
extensions = list(
    dict.fromkeys(["sphinx.ext.autodoc", "sphinx.ext.napoleon", "nbsphinx", *extensions])
)
exclude_patterns = [*exclude_patterns, "conf.py", "**.ipynb_checkpoints"]
suppress_warnings = []
show_warning_types = True
keep_warnings = False
autodoc_mock_imports = []
autodoc_warningiserror = True
# A stored output proves nothing about the code that is there today.
nbsphinx_execute = "always"
nbsphinx_allow_errors = False
nbsphinx_timeout = -1
# The interpreter that runs Sphinx, as the stage describes it, whatever a notebook's metadata says.
nbsphinx_kernel_name = "xtask"

_own_setup = globals().get("setup")
_kept = ("suppress_warnings", "autodoc_mock_imports", "nbsphinx_execute", "nbsphinx_allow_errors")
_policy = {name: globals()[name] for name in _kept}


def _record(app, what, name, obj, options, lines):
    """Keeps a docstring as it is parsed: the line numbers of warnings count these lines."""
    with open(os.environ["XTASK_DOCSTRINGS"], "a", encoding="utf-8") as file:
        # Warnings name an object as its own module does.
        own = f"{getattr(obj, '__module__', '')}.{getattr(obj, '__qualname__', '')}"
        file.writelines(json.dumps([it, list(lines)]) + "\n" for it in {name, own})


def _enforce(app, *_):
    """Restores what a project's own `setup` may have changed."""
    logging.disable(logging.NOTSET)
    for name, value in _policy.items():
        setattr(app.config, name, value)


def _exists(name):
    """Is there a module or an attribute of this dotted name? Yes also where that cannot be told."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        module = ".".join(parts[:count])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                return True
            continue
        except BaseException:
            return True
        for part in parts[count:]:
            if isinstance(found, type):
                # What an instance has is made when it is made.
                return True
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def _check_reference(app, env, node, content):
    """Warns of a role that names an object of the project which is not there; others are Sphinx's business."""
    target = node.get("reftarget", "")
    is_role = isinstance(content, nodes.literal) and node.get("refdomain") == "py"
    is_own = "." in target and target.split(".")[0] in os.environ["XTASK_OWN"].split("\n")
    if is_role and is_own and not _exists(target):
        what = "%s does not exist"
        getLogger("xtask").warning(what, target, location=node, type="ref", subtype="python")


def setup(app):
    """Lets the project's own conf.py do its part, then listens behind napoleon."""
    result = _own_setup(app) if _own_setup else None
    app.connect("autodoc-process-docstring", _record, priority=900)
    app.connect("missing-reference", _check_reference, priority=900)
    for event in ("config-inited", "builder-inited"):
        app.connect(event, _enforce, priority=900)
    return result
