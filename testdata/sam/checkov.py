"""Runs checkov on an expanded template, and holds what it finds to what is accepted.

Usage: checkov.py CHECKOV TEMPLATE.json ACCEPTED.txt
"""
import json
import subprocess
import sys

checkov, template, accepted = sys.argv[1:]
with open(accepted, encoding="utf-8") as f:
    reasons = dict(line.split(None, 1) for line in f if line.strip() and not line.startswith("#"))
run = subprocess.run(
    [checkov, "--framework", "cloudformation", "--file", template, "--output", "json", "--quiet", "--skip-download"],
    stdout=subprocess.PIPE, check=False)
report = json.loads(run.stdout)
results = report["results"]
if report["summary"]["parsing_errors"]:
    sys.exit(f"checkov cannot read {results['parsing_errors']}")
found = {}
for check in results["failed_checks"]:
    found.setdefault(check["check_id"], (check["check_name"], []))[1].append(check["resource"])
wrong = [f"{id}: {name}: {', '.join(where)}" for id, (name, where) in found.items() if id not in reasons]
wrong += [f"{id} is accepted, but not found any more" for id in reasons if id not in found]
if wrong:
    sys.exit("\n".join(wrong))
