#!/usr/bin/env bash
# The main job on a bundled notebook, one stage after another: scripts/demo.sh VENV
set -euo pipefail

venv=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
case=fixtures/cases/churn
output=demo-output
package_venv=$output/.venv

stage() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; }

stage "1. Check the notebook"
show nb2prod check $case/notebook.ipynb
# Findings are what the demo is about: 1 goes on, anything above is a failure.
"$venv/bin/nb2prod" check $case/notebook.ipynb || [ $? -eq 1 ]
