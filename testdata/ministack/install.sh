#!/bin/sh
# Installs the AWS emulator that the tests with the tag "verify" run against
# into .cache/ms. Done once; a second run finds it there and does nothing.
set -eu
cd "$(dirname "$0")/../.."
venv=.cache/ms
wanted="ministack==1.5.33 aws-sam-translator==1.115.0 awscli"
if [ "$(cat $venv/installed 2>/dev/null)" = "$wanted" ]; then
	exit 0
fi
rm -rf $venv
python3 -m venv $venv
# shellcheck disable=SC2086 # a list of packages
$venv/bin/pip install -q --disable-pip-version-check $wanted
printf '%s\n' "$wanted" >$venv/installed
