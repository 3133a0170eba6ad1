#!/usr/bin/env bash
# The main job on a bundled notebook, one stage after another: scripts/demo.sh VENV
#
# VENV has nb2prod. The package that comes out gets an environment of its own, filled from its own
# metadata, as it would be in production; it is kept beside the output for the next demo.
set -euo pipefail
cd "$(dirname "$0")/.."

nb2prod=$1/bin/nb2prod
story=fixtures/cases/churn
notebook=$story/notebook.ipynb
messy=fixtures/cases/messy_exploration/notebook.ipynb
package=demo-output/churn
environment=demo-output/environment
folder=demo-output/working-folder

if [ -t 1 ]; then bold=$'\033[1m' faint=$'\033[2m' plain=$'\033[0m'; else bold='' faint='' plain=''; fi
stage() { printf '\n%s== %s%s\n' "$bold" "$1" "$plain"; }
show() { printf '%s$ %s%s\n' "$faint" "$*" "$plain"; }
look() { printf '%s-> %s%s\n' "$bold" "$plain" "$*"; }

stage "1 of 4: check two notebooks, an exploration and the one to be converted"
show "nb2prod check $messy $notebook"
code=0
"$nb2prod" check "$messy" "$notebook" || code=$?
# 0 is clean and 1 is findings; anything else is a failure of ours.
[ "$code" -le 1 ] || exit "$code"
look "exit code $code; each finding names the cell and the line in it; to have one explained: $nb2prod rule NB101"

stage "2 of 4: convert it into a package"
rm -rf "$package" "$folder"
show "nb2prod convert $notebook --output $package"
"$nb2prod" convert "$notebook" --output "$package"
(cd "$package" && find . -type f -not -name '*.pyc' | sort | sed 's|^\./|  |')
look "open $package/src/churn/pipeline.py, then $package/README.md"

stage "3 of 4: install the package by its own metadata and run it where its data is"
[ -x "$environment/bin/python" ] || scripts/venv.sh "$environment" "$1/bin/python"
show "pip install ./$package pytest"
"$environment/bin/python" -m pip install --quiet "./$package" pytest
mkdir -p "$folder"
cp "$story"/*.csv "$folder/"
show "cd $folder && python -m churn"
# What the notebook displayed, and where figures went, is the package's log, on standard error.
(cd "$folder" && "../../$environment/bin/python" -m churn 2>../log.txt | tee ../stdout.txt) ||
  { cat demo-output/log.txt >&2; exit 1; }
# The saved lines come from one version of the libraries; another may round a score otherwise. Tests
# hold package against notebook strictly, under the same versions.
if diff "$story/stdout.txt" demo-output/stdout.txt; then
  look "line for line what the notebook printed"
else
  look "the lines above marked < are the notebook's saved ones, > the package's: other versions of its libraries?"
fi
look "displayed tables are in demo-output/log.txt, the files and figures it wrote in $folder/output"

stage "4 of 4: run the tests that came with it"
show "cd $package && python -m pytest"
(cd "$package" && "../../$environment/bin/python" -m pytest -q)
look "next: convert a notebook of your own: $nb2prod convert NOTEBOOK --output FOLDER"
