#!/bin/sh
# Installs the Standard Webhooks specification's library into a virtual environment,
# once.
# Usage: install.sh FOLDER
set -eu
venv=${1:?the folder of the virtual environment}
want='standardwebhooks==1.1.0'
if [ "$(cat "$venv/installed" 2>/dev/null)" = "$want" ]; then
	exit 0
fi
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$want"
echo "$want" >"$venv/installed"
