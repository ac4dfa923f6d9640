"""Turns coverage data into numbers for each own file and into a Cobertura report, all with repo-relative names.

Called as `python measure.py PLAN.json` from the root of the repository. Every file that the plan names is reported,
also one that no test imported.
"""

import glob
import json
import os
import sys
import xml.etree.ElementTree


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    sys.path[0:1] = []
    sys.path.extend(plan["last"])
    import coverage

    scratch = plan["scratch"]
    data = os.path.join(scratch, "coverage.data")
    measured = coverage.Coverage(data_file=data, config_file=os.path.join(scratch, "report.ini"))
    measured.load()
    # Processes that the tests started leave files of their own.
    if glob.glob(glob.escape(data) + ".*"):
        measured.combine()
        measured.save()
    files = [os.path.join(plan["root"], path) for path in plan["files"]]
    measured.json_report(morfs=files, outfile=os.path.join(scratch, "coverage.json"), ignore_errors=True)
    cobertura = os.path.join(scratch, "coverage.xml")
    measured.xml_report(morfs=files, outfile=cobertura, ignore_errors=True)
    tree = xml.etree.ElementTree.parse(cobertura)
    # There a character that is not seen is a question mark.
    names = {"".join(it if it.isprintable() else "?" for it in path): path for path in plan["files"]}
    for module in tree.getroot().iter("class"):
        module.set("filename", names.get(module.get("filename"), module.get("filename")))
    # An absolute source of this machine means nothing on another; without one the names count as they are.
    for sources in tree.getroot().iter("sources"):
        sources[:] = []
    tree.write(plan["cobertura"], encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    main()
