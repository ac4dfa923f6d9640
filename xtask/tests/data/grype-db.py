"""Writes a small vulnerability database that the real grype imports (schema v6) from a list of real advisories.

The tests run the real scanner; what they may not need is the network or a database of some hundred megabytes.
Same advisories and same build time give the same bytes. `grype db import` adds the tables that are left out here.

Usage: python3 grype-db.py ADVISORIES.json OUT.db BUILT    (BUILT: RFC 3339 in UTC, e.g. 2026-01-31T00:00:00Z)
"""

import json
import pathlib
import sqlite3
import sys

# The oldest layout the supported scanners share; every column that grype reads, nothing that it creates by itself.
SCHEMA = """
CREATE TABLE db_metadata (build_timestamp datetime NOT NULL, model integer NOT NULL, revision integer NOT NULL,
  addition integer NOT NULL);
CREATE TABLE providers (id text PRIMARY KEY, version text, processor text, date_captured datetime, input_digest text);
CREATE TABLE blobs (id integer PRIMARY KEY, value text NOT NULL);
CREATE TABLE packages (id integer PRIMARY KEY, ecosystem text, name text);
CREATE TABLE operating_systems (id integer PRIMARY KEY, name text, release_id text, major_version text,
  minor_version text, label_version text, codename text, channel text);
CREATE TABLE vulnerability_handles (id integer PRIMARY KEY, name text NOT NULL, status text NOT NULL,
  published_date datetime, modified_date datetime, withdrawn_date datetime, provider_id text NOT NULL, blob_id integer);
CREATE TABLE vulnerability_aliases (name text, alias text NOT NULL, PRIMARY KEY (name, alias));
CREATE TABLE affected_package_handles (id integer PRIMARY KEY, vulnerability_id integer NOT NULL,
  operating_system_id integer, package_id integer, blob_id integer);
"""
VERSION_TYPE = {"python": "python", "deb": "dpkg"}
PROVIDER = {"python": "github", "deb": "debian"}
ADVISORY_URL = {"python": "https://github.com/advisories/", "deb": "https://security-tracker.debian.org/tracker/"}
BOOKWORM = 1


def blob(db: sqlite3.Connection, value: dict) -> int:
    """Stores a JSON document and returns its id."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return db.execute("INSERT INTO blobs (value) VALUES (?)", (text,)).lastrowid


def package(db: sqlite3.Connection, ecosystem: str, name: str) -> int:
    """Returns the id of a package, stored once."""
    row = db.execute("SELECT id FROM packages WHERE ecosystem = ? AND name = ?", (ecosystem, name)).fetchone()
    if row:
        return row[0]
    return db.execute("INSERT INTO packages (ecosystem, name) VALUES (?, ?)", (ecosystem, name)).lastrowid


def add(db: sqlite3.Connection, advisory: dict) -> None:
    """Stores one advisory with the versions it affects."""
    ecosystem = advisory.get("ecosystem", "python")
    cves = [advisory["cve"]] if "cve" in advisory else []
    # grype reports the first severity of the list, so the advisory's own word comes before the vector.
    vulnerability = blob(db, {
        "id": advisory["id"],
        "description": advisory["summary"],
        "refs": [{"url": ADVISORY_URL[ecosystem] + advisory["id"]}],
        "aliases": cves,
        "severities": [
            {"scheme": "CHMLN", "value": advisory["severity"], "rank": 1},
            {"scheme": "CVSS", "value": {"vector": advisory["cvss"], "version": "3.1"}, "rank": 2},
        ],
    })
    handle = db.execute(
        "INSERT INTO vulnerability_handles (name, status, provider_id, blob_id) VALUES (?, 'active', ?, ?)",
        (advisory["id"], PROVIDER[ecosystem], vulnerability),
    ).lastrowid
    for cve in cves:
        db.execute("INSERT INTO vulnerability_aliases VALUES (?, ?)", (advisory["id"], cve))
    ranges = [
        {
            "version": {"type": VERSION_TYPE[ecosystem], "constraint": entry["constraint"]},
            "fix": {"version": entry["fixed"] or "", "state": "fixed" if entry["fixed"] else "not-fixed"},
        }
        for entry in advisory["ranges"]
    ]
    affected = blob(db, {"cves": cves or [advisory["id"]], "ranges": ranges})
    db.execute(
        "INSERT INTO affected_package_handles (vulnerability_id, operating_system_id, package_id, blob_id)"
        " VALUES (?, ?, ?, ?)",
        (handle, BOOKWORM if ecosystem == "deb" else None, package(db, ecosystem, advisory["package"]), affected),
    )


def main(source: str, target: str, built: str) -> None:
    """Writes the database."""
    advisories = json.loads(pathlib.Path(source).read_text(encoding="utf-8"))
    pathlib.Path(target).unlink(missing_ok=True)
    stamp = built.replace("T", " ").replace("Z", "+00:00")
    db = sqlite3.connect(target)
    db.executescript(SCHEMA)
    db.execute("INSERT INTO db_metadata VALUES (?, 6, 1, 4)", (stamp,))
    # grype ends in a panic when a vulnerability names a provider that has no row.
    for name in sorted(set(PROVIDER.values())):
        db.execute("INSERT INTO providers VALUES (?, '1', 'test', ?, '')", (name, stamp))
    db.execute("INSERT INTO operating_systems VALUES (?, 'debian', 'debian', '12', '', '', 'bookworm', '')", (BOOKWORM,))
    for advisory in advisories:
        add(db, advisory)
    db.commit()
    db.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
