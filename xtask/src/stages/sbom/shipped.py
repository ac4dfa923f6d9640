"""Says what a project ships on one interpreter: as its lock has it, and as its runtime environment has it.

Arguments: the interpreter of the runtime environment, which is asked for its marker values and its site-packages and
otherwise left alone (its Python may be another one); the project's closure as `uv export --format pylock.toml` writes
it; the `uv.lock` itself. Output, one JSON object a line, sorted:
  {"kind": "third-party", "name", "version", "conditional"}    by the lock; a null version is known after a build
  {"kind": "local", "name", "version", "conditional"}          by the lock, code of this repository
  {"kind": "installed", "name", "version", "written", "imports", "copies", "license", "classified"}
                                                               in the environment; "written" as its metadata has it,
                                                               "copies" are metadata files of others that it brings
  {"kind": "nameless", "path"}                                 in the environment, but its metadata says no name
  {"kind": "marker", "marker", "holds"}                        every condition on a dependency in the uv.lock
"""

import importlib.metadata
import json
import pathlib
import subprocess
import sys
import tomllib

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

# Runs in the environment's interpreter, with nothing but the standard library.
ASK = """
import json, os, platform, sys, sysconfig
v = sys.implementation.version
kind = "" if v.releaselevel == "final" else v.releaselevel[0] + str(v.serial)
print(json.dumps({
    "site": sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}),
    "markers": {
        "implementation_name": sys.implementation.name,
        "implementation_version": "%d.%d.%d%s" % (v.major, v.minor, v.micro, kind),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
        "extra": "",
    },
}))
"""


def canonical(version: str | None) -> str | None:
    """Writes a version in the one form the standard has for it, so that 1.0-1 and 1.0.post1 are equal."""
    try:
        return version and str(Version(version))
    except InvalidVersion:
        return version


def locked(package: dict, markers: dict) -> list[dict]:
    """Turns one table of the closure into a line of the answer; what another platform needs gives none."""
    marker = package.get("marker")
    if marker and not Marker(marker).evaluate(markers):
        return []
    kind = "local" if "directory" in package else "third-party"
    name, version = canonicalize_name(package["name"]), canonical(package.get("version"))
    return [{"kind": kind, "name": name, "version": version, "conditional": bool(marker)}]


def conditions(lock: dict) -> set[str]:
    """Lists the markers on the dependencies of a uv.lock."""
    found = set()
    for package in lock.get("package", []):
        tables = [package.get("dependencies", []), *package.get("optional-dependencies", {}).values()]
        found.update(entry["marker"] for table in tables for entry in table if "marker" in entry)
    return found


def holds(marker: str, markers: dict) -> bool:
    """Says whether a dependency is needed here. uv's own `extra` conditions choose between forks: never a reason to drop one."""
    return "extra" in marker or Marker(marker).evaluate(markers)


def import_names(distribution: importlib.metadata.Distribution) -> list[str]:
    """Lists what an import statement must name to reach the distribution: the outermost regular packages and modules.

    The list of installed files is asked, not top_level.txt, which few write today and which cannot tell two
    distributions of one namespace apart (google.cloud.storage is the answer here, not google).
    """
    modules = set()
    for file in distribution.files or []:
        parts = file.parts
        if not parts or parts[0] == ".." or parts[0].endswith((".dist-info", ".data", ".libs")) or "__pycache__" in parts:
            continue
        if file.suffix not in (".py", ".pyc", ".so", ".pyd"):
            continue
        modules.add((*parts[:-1], parts[-1].split(".")[0]))
    packages = {module[:-1] for module in modules if module[-1] == "__init__"}
    outermost = set()
    for module in modules:
        inside = (module[:depth] for depth in range(1, len(module)) if module[:depth] in packages)
        outermost.add(next(inside, module))
    return sorted(".".join(parts) for parts in outermost if parts and all(part.isidentifier() for part in parts))


def copies(distribution: importlib.metadata.Distribution) -> list[str]:
    """Lists the metadata files deep inside a distribution: those of the packages that it carries copies of."""
    names = ("METADATA", "PKG-INFO")
    return sorted(file.as_posix() for file in distribution.files or [] if file.name in names and len(file.parts) > 2)


def installed(distribution: importlib.metadata.Distribution) -> dict:
    """Describes one distribution of the environment."""
    metadata = distribution.metadata
    if not metadata or not metadata["Name"] or not metadata["Version"]:
        return {"kind": "nameless", "path": pathlib.Path(str(getattr(distribution, "_path", "?"))).name}
    prefix = "License :: OSI Approved :: "
    return {
        "kind": "installed",
        "name": canonicalize_name(metadata["Name"]),
        "version": canonical(metadata["Version"]),
        "written": metadata["Version"],
        "imports": import_names(distribution),
        "copies": copies(distribution),
        "license": metadata.get("License-Expression"),
        "classified": sorted(
            line.removeprefix(prefix) for line in metadata.get_all("Classifier", []) if line.startswith(prefix)
        ),
    }


def main(interpreter: str, closure_file: str, lock_file: str) -> None:
    """Reads the lock, asks the environment and prints the answer."""
    # A package may print something whenever a Python of its environment starts; the answer is the last line.
    said = subprocess.run([interpreter, "-I", "-c", ASK], stdout=subprocess.PIPE, check=True).stdout
    asked = json.loads(said.splitlines()[-1])
    if not any(pathlib.Path(path).is_dir() for path in asked["site"]):
        raise SystemExit(f"{interpreter} has no site-packages: {asked['site']}")
    closure = tomllib.loads(pathlib.Path(closure_file).read_text(encoding="utf-8"))
    lock = tomllib.loads(pathlib.Path(lock_file).read_text(encoding="utf-8"))
    lines = [line for package in closure.get("packages", []) for line in locked(package, asked["markers"])]
    lines += [installed(distribution) for distribution in importlib.metadata.distributions(path=asked["site"])]
    lines += [
        {"kind": "marker", "marker": marker, "holds": holds(marker, asked["markers"])} for marker in conditions(lock)
    ]
    for line in sorted(json.dumps(line, sort_keys=True) for line in lines):
        print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
