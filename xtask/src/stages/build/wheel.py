"""Says what a wheel holds, as one JSON object. The only argument is the wheel.

Compares the wheel with its own RECORD, which an installer trusts.
"""

import base64
import configparser
import csv
import email
import hashlib
import io
import json
import keyword
import posixpath
import sys
import zipfile


def record_problems(wheel, names, info):
    """What RECORD says that is not so."""
    problems = []
    rows = {}
    for row in csv.reader(io.StringIO(wheel.read(info + "/RECORD").decode())):
        if not row:
            continue
        if row[0] in rows:
            problems.append(f"RECORD lists {row[0]} twice")
        rows[row[0]] = row[1] if len(row) > 1 else ""
    exempt = {info + "/RECORD", info + "/RECORD.jws", info + "/RECORD.p7s"}
    for name in names:
        if name in exempt:
            continue
        if name not in rows:
            problems.append(f"{name} is not in RECORD")
            continue
        algorithm, _, expected = rows[name].partition("=")
        if algorithm not in hashlib.algorithms_guaranteed:
            problems.append(f"RECORD has no hash of {name}")
            continue
        digest = hashlib.new(algorithm, wheel.read(name)).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != expected:
            problems.append(f"RECORD has another hash of {name}")
    problems += [f"RECORD lists {name}, which is not there" for name in rows if name not in names and name not in exempt]
    if len(set(names)) != len(names):
        problems.append("a file is in the archive twice")
    problems += [f"{name} leads out of the archive" for name in names if name.startswith("/") or ".." in name.split("/")]
    return problems


def installed(name, data):
    """Where a member goes below site-packages; none for what goes elsewhere."""
    if name.startswith(data + "/"):
        kind, _, rest = name[len(data) + 1 :].partition("/")
        return rest if kind in ("purelib", "platlib") else None
    return name


def module(path):
    """The dotted name of a file that can be imported."""
    directory, name = posixpath.split(path)
    stem, _, suffix = name.partition(".")
    if not (suffix == "py" or suffix == "so" or suffix.endswith(".so")):
        return None
    parts = [*directory.split("/"), stem] if directory else [stem]
    if parts[-1] == "__init__":
        parts.pop()
    good = parts and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    return ".".join(parts) if good and parts[-1] != "__main__" else None


def mains(files):
    """Packages that `python -m` can run."""
    found = (file.rpartition("/") for file in files)
    packages = [directory.split("/") for directory, slash, name in found if slash and name == "__main__.py"]
    return sorted(".".join(parts) for parts in packages if all(part.isidentifier() for part in parts))


def entry_points(wheel, names, info):
    """Every entry point of the wheel."""
    if info + "/entry_points.txt" not in names:
        return []
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string(wheel.read(info + "/entry_points.txt").decode())
    return [
        {"group": group, "name": name, "value": value}
        for group in parser.sections()
        for name, value in parser.items(group)
    ]


def main(path):
    """Prints what is in the wheel."""
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if not name.endswith("/")]
        infos = {name.split("/")[0] for name in names if name.split("/")[0].endswith(".dist-info")}
        if len(infos) != 1:
            sys.exit(f"the wheel has {len(infos)} .dist-info directories")
        info = infos.pop()
        data = info.removesuffix(".dist-info") + ".data"
        metadata = email.message_from_bytes(wheel.read(info + "/METADATA"))
        files = [installed(name, data) for name in names if not name.startswith(info + "/")]
        files = sorted(name for name in files if name is not None)
        print(
            json.dumps(
                {
                    "name": metadata["Name"],
                    "version": metadata["Version"],
                    "files": files,
                    "modules": sorted({name for name in map(module, files) if name}),
                    "mains": mains(files),
                    "entry_points": entry_points(wheel, names, info),
                    "problems": record_problems(wheel, names, info),
                }
            )
        )


main(sys.argv[1])
