# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "cyclonedx-python-lib[json-validation]==11.12.0",
#   "jsonschema==4.26.0",
#   "lxml==6.1.1",
#   "prometheus-client==0.25.0",
# ]
# ///
"""Validates what a run has left under target/ci/gitlab: `uv run --script validate.py ROOT`.

JSON against the schemas beside this file, CycloneDX against the official schemas that its Python library carries, Cobertura
against a DTD, metrics with the parser of Prometheus' own client. Beyond the schemas: files that are named exist, fingerprints
and ids are unique, no file is larger than GitLab reads. Prints the names of the files; every fault is a line on standard error.
"""

import json
import pathlib
import sys

import jsonschema
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from lxml import etree
from prometheus_client.openmetrics.parser import text_string_to_metric_families

HERE = pathlib.Path(__file__).parent
ROOT = pathlib.Path(sys.argv[1])
FAULTS = []


def fault(path, words):
    FAULTS.append(f"{path.name}: {words}")


def of_schema(path, schema):
    report = json.loads(path.read_text(encoding="utf-8"))
    schema = json.loads((HERE / schema).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    for error in jsonschema.Draft7Validator(schema).iter_errors(report):
        fault(path, f"{error.json_path}: {error.message[:300]}")
    return report


def unique(path, values):
    values = list(values)
    if len(values) != len(set(values)):
        fault(path, "a fingerprint or id is there twice")


def exists(path, files):
    for file in set(files):
        if not (ROOT / file).is_file():
            fault(path, f"{file} is named and does not exist")


def quality(path):
    report = of_schema(path, "code-quality.json")
    unique(path, (it["fingerprint"] for it in report))
    exists(path, (it["location"]["path"] for it in report))


def security(path):
    report = of_schema(path, "security-report.json")
    found = report["vulnerabilities"]
    unique(path, (it["id"] for it in found))
    unique(path, (sign["value"] for it in found if "tracking" in it for sign in it["tracking"]["items"][0]["signatures"]))
    exists(path, (it["location"]["file"] for it in found))
    exists(path, (it["path"] for it in report.get("dependency_files", [])))


def sbom(path):
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    version = document.get("specVersion")
    if version not in ("1.4", "1.5", "1.6"):
        fault(path, f"GitLab does not read CycloneDX {version}")
        return
    error = JsonStrictValidator(SchemaVersion.from_version(version)).validate_str(text)
    if error:
        fault(path, str(error)[:500])
    properties = {it["name"]: it["value"] for it in document["metadata"]["properties"]}
    if properties.get("gitlab:meta:schema_version") != "1":
        fault(path, "gitlab:meta:schema_version must be 1")
    prefix = "gitlab:dependency_scanning:"
    if not path.name.endswith(".image.cdx.json"):
        exists(path, [properties[prefix + "input_file:path"], properties[prefix + "source_file:path"]])
        if (properties[prefix + "package_manager:name"], properties[prefix + "language:name"]) != ("uv", "Python"):
            fault(path, "package manager and language must be named")
        for component in document["components"]:
            if {"name": prefix + "category", "value": "production"} not in component["properties"]:
                fault(path, f"{component['name']} has no category")
    if path.stat().st_size > 1024 * 1024:
        fault(path, "is larger than GitLab takes by default")


def cobertura(path):
    document = etree.parse(path)
    dtd = etree.DTD(str(HERE / "cobertura.dtd"))
    if not dtd.validate(document):
        fault(path, str(dtd.error_log))
    names = [it.get("filename") for it in document.iter("class")]
    unique(path, names)
    exists(path, names)
    if path.stat().st_size > 10 * 1024 * 1024:
        fault(path, "is larger than GitLab reads")


def metrics(path):
    families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    if not families:
        fault(path, "holds no metric")


KINDS = [
    ("gl-code-quality-report.json", quality),
    ("gl-sast-*.json", security),
    ("gl-dependency-scanning-report.json", security),
    ("gl-sbom-*.cdx.json", sbom),
    ("cobertura*.xml", cobertura),
    ("metrics.txt", metrics),
]

for path in sorted((ROOT / "target/ci/gitlab").iterdir()):
    check = next((check for pattern, check in KINDS if path.match(pattern)), None)
    if check is None:
        fault(path, "nobody knows what this file is")
    else:
        check(path)
    print(path.name)
sys.exit("\n".join(FAULTS) or 0)
