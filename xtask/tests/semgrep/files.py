"""Cases for ci/semgrep/files.yaml."""

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path


# --- insecure-tempfile-mktemp
def temporary():
    """Make a temporary file."""
    # ruleid: insecure-tempfile-mktemp
    a = tempfile.mktemp()
    # ok: insecure-tempfile-mktemp
    b = tempfile.mkstemp()
    # ok: insecure-tempfile-mktemp
    c = tempfile.mkdtemp(prefix="x")
    return a, b, c


# --- hardcoded-tmp-path
def fixed(name: str):
    """Write to a fixed place."""
    # ruleid: hardcoded-tmp-path
    a = open("/tmp/report.txt")
    # ruleid: hardcoded-tmp-path
    b = Path("/var/tmp") / name
    # ruleid: hardcoded-tmp-path
    c = f"/tmp/{name}.txt"
    # ok: hardcoded-tmp-path
    d = Path(tempfile.gettempdir()) / name
    # ok: hardcoded-tmp-path
    e = "see /tmp/report.txt"
    # ok: hardcoded-tmp-path
    f = Path("/tmpfiles/x")
    # ok: hardcoded-tmp-path
    g = Path("/srv/tmp/x")
    return a, b, c, d, e, f, g


# --- chmod-world-writable
def modes(path: str, file: Path):
    """Set modes."""
    # ruleid: chmod-world-writable
    os.chmod(path, 0o777)
    # ruleid: chmod-world-writable
    file.chmod(0o666)
    # ruleid: chmod-world-writable
    os.chmod(path, stat.S_IRUSR | stat.S_IWOTH)
    # ruleid: chmod-world-writable
    os.umask(0)
    # ok: chmod-world-writable
    os.chmod(path, 0o755)
    # ok: chmod-world-writable
    file.chmod(0o600)
    # ok: chmod-world-writable
    os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
    # ok: chmod-world-writable
    os.umask(0o077)


# --- archive-extract-unfiltered
def archives(path: str, target: str):
    """Unpack archives."""
    with tarfile.open(path) as archive:
        # ruleid: archive-extract-unfiltered
        archive.extractall(target)
        # ok: archive-extract-unfiltered
        archive.extractall(target, filter="data")
        # ok: archive-extract-unfiltered
        archive.getnames()
    other = tarfile.open(path)
    # ruleid: archive-extract-unfiltered
    other.extract("x", target)
    # ruleid: archive-extract-unfiltered
    tarfile.open(path).extractall()
    # ruleid: archive-extract-unfiltered
    shutil.unpack_archive(path, target)
    # ok: archive-extract-unfiltered
    shutil.unpack_archive(path, target, filter="data")
    with zipfile.ZipFile(path) as zipped:
        # ok: archive-extract-unfiltered
        zipped.extractall(target)
