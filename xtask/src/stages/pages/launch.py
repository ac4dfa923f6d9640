"""Runs Sphinx, or a Jupyter kernel, in the project's interpreter with the pinned tools behind its own packages.

Usage: launch.py OVERLAY sphinx ARG...
       launch.py OVERLAY kernel ARG...
"""

import os
import sys

overlay, what, *arguments = sys.argv[1:]
# Behind everything else: what the project's own lock pins wins.
sys.path.append(overlay)
# Code of a project that is not installed.
sys.path.extend(filter(None, os.environ.get("XTASK_ROOTS", "").split("\n")))
# The directory of this script is no place to import from.
del sys.path[0]
sys.argv = [what, *arguments]
if what == "sphinx":
    from sphinx.cmd.build import main

    sys.exit(main(arguments))
if what == "kernel":
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
