#!/usr/bin/env bash
# Adopts a folder of real notebooks as a user would, in a scratch repository, and prints docs/adoption.md:
# every line below a `$` is what the command printed. Needs nb2prod, git and pre-commit on PATH.
#
# usage: scripts/adoption.sh FOLDER-OF-NOTEBOOKS > docs/adoption.md
set -euo pipefail
notebooks=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
git init --quiet --initial-branch main
git config user.name Ada
git config user.email ada@example.org
mkdir notebooks
number=0
for notebook in "$notebooks"/*.ipynb; do
  number=$((number + 1))
  cp "$notebook" "notebooks/analysis_$number.ipynb"
done
git add .
git commit --quiet --message 'notebooks of some years'

# session COMMAND…: what a terminal shows of the commands, one a line, without notices of other programs.
session() {
  echo '```console'
  for command in "$@"; do
    echo "\$ $command"
    code=0
    bash -c "$command" 2>&1 | sed -e "s|$scratch|.|g" -e 's/[[:space:]]*$//' -e '/^\[main /d' || code=$?
  done
  echo '```'
  echo
}

# add_cell SOURCE: what somebody types into the first notebook, at its end.
add_cell() {
  python3 - "$1" <<'PYTHON'
import json
import sys
from pathlib import Path

path = Path("notebooks/analysis_1.ipynb")
notebook = json.loads(path.read_text(encoding="utf-8"))
cells = [cell for cell in notebook["cells"] if cell["metadata"].get("of") != "today"]
cells.append({"cell_type": "code", "execution_count": None, "metadata": {"of": "today"}, "outputs": [], "source": sys.argv[1]})
path.write_text(json.dumps(notebook | {"cells": cells}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
PYTHON
}

cat <<EOF
# Adopting nb2prod in a repository that has notebooks

What follows is a transcript: \`scripts/adoption.sh\` ran these commands in a scratch repository of $number real
notebooks, and every line is what they printed.

## Day one: what is there

EOF
session 'nb2prod check --statistics; echo "exit code $?"'
cat <<'EOF'
Nobody will put all of that right today. So today's findings become known, and from now on only new ones count.

## Settings, a hook, a baseline

EOF
session 'nb2prod init' 'nb2prod check --write-baseline nb2prod-baseline.json' \
  'git add . && git commit --quiet --message "nb2prod: settings, hook, baseline"' 'pre-commit install' \
  'nb2prod check; echo "exit code $?"'
cat <<'EOF'
## A commit that brings something new

Somebody adds a cell with `forecast = model_of_today.predict(readings_of_today)`; no cell defines either name.

EOF
add_cell 'forecast = model_of_today.predict(readings_of_today)'
session 'git commit --all --message "forecast"'
cat <<'EOF'
## The same, put right

EOF
add_cell 'readings_of_today = [3, 4, 5]
forecast = sum(readings_of_today) / len(readings_of_today)'
session 'git commit --all --message "forecast"' 'git log --oneline --format=%s'
cat <<'EOF'
Running the notebook again, moving its cells or saving it with another program changes nothing about what is known.
When known findings are gone, a notice says so, and one command takes them out of the baseline:

```sh
nb2prod check --baseline nb2prod-baseline.json --write-baseline nb2prod-baseline.json
```

## On GitHub

`nb2prod init --repo https://github.com/…/nb2prod --rev …` writes this workflow as well; the action of this
repository annotates the changed lines and writes the summary of the job. The settings, and with them the baseline,
are the same as on every desk. `--rev` with a whole commit is safest, since a tag can be moved: with it actionlint and
zizmor have nothing to say about the workflow.

```yaml
EOF
(cd "$(mktemp -d)" && nb2prod init --repo https://github.com/example/nb2prod --rev 7d2a8f0c41e95b63d8f12a70c9be46d35f80e1a2 > /dev/null && cat .github/workflows/nb2prod.yml)
cat <<'EOF'
```

The action takes `paths`, `args` (options of `nb2prod check`), `python` and `sarif`, the file for code scanning:

```yaml
      - uses: example/nb2prod@7d2a8f0c41e95b63d8f12a70c9be46d35f80e1a2
        with:
          args: --profile commit --since origin/main
          sarif: nb2prod.sarif
```

`--since` compares with a revision, so the checkout needs it: `fetch-depth: 0`.
EOF
