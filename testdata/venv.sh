#!/bin/sh
# Installs packages of Python's into a virtual environment, once.
# Usage: venv.sh FOLDER PACKAGE==VERSION...
set -eu
venv=${1:?the folder of the virtual environment}
shift
if [ "$(cat "$venv/installed" 2>/dev/null)" = "$*" ]; then
	exit 0
fi
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
echo "$*" >"$venv/installed"
