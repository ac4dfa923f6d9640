"""Runs pip-licenses over one directory of installed distributions, named by the first argument.

The command line's own ``--python`` splits the search path at blanks, so a repository with a blank in its path would be
read as empty. Without that option pip-licenses reads ``sys.path``: this puts the wanted directory there and takes the
tool's own distributions away.
"""

import site
import sys

import piplicenses

own = set(site.getsitepackages())
sys.path[:] = [path for path in sys.path if path not in own] + [sys.argv.pop(1)]
piplicenses.main()
