"""Writes a SAM template as the CloudFormation that AWS makes of it.

Usage: expand.py TEMPLATE OUT.json [PARAMETER=VALUE...]
"""
import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The functions spell their policies out, so no managed one is looked up."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as f:
    template = yaml_parse(f.read())
# The SAM CLI uploads the code and writes its place here.
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
parameters = {name: p.get("Default") for name, p in template["Parameters"].items()}
parameters.update(argument.split("=", 1) for argument in sys.argv[3:])
expanded = transform(template, parameters, NoManagedPolicies())
# SAM writes some parameters' values out, which leaves the parameter without use.
expanded["Metadata"]["cfn-lint"]["config"]["ignore_checks"].append("W2001")
with open(sys.argv[2], "w", encoding="utf-8") as f:
    json.dump(expanded, f, indent=1)
