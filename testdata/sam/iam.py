"""Holds every policy of an expanded template to IAM: actions that exist, resources
that are theirs, conditions that they know. It asks nobody.

Usage: iam.py TEMPLATE.json
"""
import json
import sys
import warnings

warnings.simplefilter("ignore")
from parliament import analyze_policy_string  # noqa: E402, after its warnings are off

# What is found and accepted, each with its reason.
ACCEPTED = {
    "NO_VERSION": "SAM adds a policy without one for the queue of OnFailure; nothing in it needs one",
}

# How the ARN of a resource is written.
ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:eu-central-1:123456789012:table/{}",
    "AWS::IAM::Role": "iam::123456789012:role/{}",
    "AWS::Lambda::Alias": "lambda:eu-central-1:123456789012:function:{}",
    "AWS::Lambda::Function": "lambda:eu-central-1:123456789012:function:{}",
    "AWS::Logs::LogGroup": "logs:eu-central-1:123456789012:log-group:{}:*",
    "AWS::Scheduler::ScheduleGroup": "scheduler:eu-central-1:123456789012:schedule-group/{}",
    "AWS::SecretsManager::Secret": "secretsmanager:eu-central-1:123456789012:secret:{}-abcdef",
    "AWS::SNS::Topic": "sns:eu-central-1:123456789012:{}",
    "AWS::SQS::Queue": "sqs:eu-central-1:123456789012:{}",
}
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012", "AWS::StackName": "usher"}

with open(sys.argv[1], encoding="utf-8") as f:
    template = json.load(f)
resources = template["Resources"]


def arn(name):
    return "arn:aws:" + ARNS[resources[name]["Type"]].format(name)


def ref(name):
    if name in PSEUDO:
        return PSEUDO[name]
    if name in template["Parameters"]:
        return "parameter"
    by_arn = ("AWS::Lambda::Alias", "AWS::SNS::Topic", "AWS::SecretsManager::Secret")
    return arn(name) if resources[name]["Type"] in by_arn else name


def substituted(text, values):
    names = {**values}
    for part in text.split("${")[1:]:
        name = part.split("}")[0]
        if name not in names:
            names[name] = arn(name.split(".")[0]) if "." in name else ref(name)
    for name, value in names.items():
        text = text.replace("${" + name + "}", value)
    return text


def written_out(value):
    """The value with what CloudFormation would put in place of its functions."""
    if isinstance(value, list):
        return [written_out(v) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (function, of), = value.items()
        if function == "Ref":
            return ref(of)
        if function == "Fn::GetAtt":
            return arn((of if isinstance(of, list) else of.split("."))[0])
        if function == "Fn::Sub":
            text, values = of if isinstance(of, list) else (of, {})
            return substituted(text, written_out(values))
        if function == "Fn::If":
            return written_out(of[1])
    return {k: written_out(v) for k, v in value.items()}


def documents():
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        for policy in properties.get("Policies", []):
            yield name, policy["PolicyDocument"]
        if resource["Type"] in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::IAM::Policy"):
            yield name, properties["PolicyDocument"]


wrong, count = set(), 0
for name, document in documents():
    count += 1
    for finding in analyze_policy_string(json.dumps(written_out(document))).findings:
        if finding.issue not in ACCEPTED:
            wrong.add(f"{name}: {finding.issue}: {finding.detail}")
if count < 10:
    wrong.add(f"only {count} policies were found")
if wrong:
    sys.exit("\n".join(sorted(wrong)))
