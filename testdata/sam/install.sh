#!/bin/sh
# Installs the SAM CLI, cfn-lint and the SAM translator into a virtual
# environment, once. Usage: install.sh FOLDER
set -eu
venv=${1:?the folder of the virtual environment}
want='aws-sam-cli==1.170.0 cfn-lint==1.58.0 aws-sam-translator==1.115.0'
if [ "$(cat "$venv/installed" 2>/dev/null)" = "$want" ]; then
	exit 0
fi
python3 -m venv "$venv"
# shellcheck disable=SC2086 # three words
"$venv/bin/pip" install --quiet --disable-pip-version-check $want
echo "$want" >"$venv/installed"
