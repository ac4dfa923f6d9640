"""The one Sphinx configuration of the repository.

A project may describe its documentation in a `docs/conf.py` of its own (title, further extensions, theme options). It is
read first; what stands below "the policy" holds whatever it says.
"""

import os
from pathlib import Path

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
    exec(compile(_own.read_bytes(), str(_own), "exec"), _namespace)
    globals().update({name: value for name, value in _namespace.items() if not name.startswith("_")})

# The policy: what every project's documentation must be, whatever its own conf.py says.
extensions = list(dict.fromkeys(["sphinx.ext.autodoc", "sphinx.ext.napoleon", "nbsphinx", *extensions]))
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
