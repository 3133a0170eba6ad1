#!/usr/bin/env bash
# Tests what users install: scripts/wheel-test.sh VENV [PYTEST ARGUMENT…]
#
# Builds the sdist and from it the wheel, installs the wheel into VENV (which has the test tools),
# and runs tests from a temporary folder that holds tests and fixtures but neither src/ nor rules/.
# What a wheel can get wrong is files, their places and what it requires, so without arguments these are
# the tests that use every command and read every page, table and template; `tests` runs all there are.
set -euo pipefail

venv=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$venv/bin/python" -m build --outdir "$work/dist" "$root" >"$work/build.log" 2>&1 ||
  { cat "$work/build.log" >&2; exit 1; }
wheel=("$work"/dist/*.whl)
echo "built $(basename "${wheel[0]}") from $(basename "$work"/dist/*.tar.gz)"

# pip keeps an installed wheel of the same version, so the old one goes first.
"$venv/bin/python" -m pip uninstall --quiet --yes nb2prod 2>/dev/null
"$venv/bin/python" -m pip install --quiet "nb2prod[verify] @ file://${wheel[0]}"

cd "$root"
if [ $# -eq 0 ]; then
  set -- tests/test_{pages,libraries,house_rules,convert_cases,verify,exporter,graph,included,packages,ruff}.py \
    tests/test_{cli_*,report_formats,settings,baseline,cache,workers,partial,own_tests}.py
fi
mkdir "$work/away"
cp -R "$root/tests" "$root/fixtures" "$root/pyproject.toml" "$work/away/"
cd "$work/away"
NB2PROD_CORPUS=${NB2PROD_CORPUS:-$root/../shared/corpus} NB2PROD_EXPECT_FROM=$venv \
  "$venv/bin/python" -m pytest -p no:cacheprovider "$@"
