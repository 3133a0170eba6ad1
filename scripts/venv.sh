#!/usr/bin/env bash
# Creates a virtual environment with pip in it: scripts/venv.sh FOLDER [PYTHON]
#
# With PYTHON, that interpreter or none. Without, the first one found that is CPython 3.11 or newer
# and can really make an environment: a system Python may lack ensurepip, and a version manager's
# `python3.13` may exist and yet refuse to run, so the only test that counts is doing it.
set -euo pipefail

folder=$1
wanted=${2:-}

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.implementation.name != "cpython")' \
    </dev/null >/dev/null 2>&1
}

make_with() {
  rm -rf "$folder"
  "$1" -m venv "$folder" </dev/null >/dev/null 2>&1 && return
  # No ensurepip: the interpreter's own pip, where it has one, can fill an environment without.
  rm -rf "$folder"
  "$1" -m venv --without-pip "$folder" </dev/null >/dev/null 2>&1 &&
    "$1" -m pip --python "$folder/bin/python" install --quiet pip </dev/null >/dev/null 2>&1
}

shopt -s nullglob
if [ -n "$wanted" ]; then
  candidates=("$wanted")
else
  candidates=(python3 python3.13 python3.12 python3.11 python3.14 python
    /usr/bin/python3 /usr/local/bin/python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python)
fi

for candidate in "${candidates[@]}"; do
  if new_enough "$candidate" && make_with "$candidate"; then
    echo "$folder: $("$folder/bin/python" --version), made with $candidate"
    exit 0
  fi
done

rm -rf "$folder"
echo "No usable Python: nb2prod needs CPython 3.11 or newer with its venv module; tried: ${candidates[*]}" >&2
echo "Name one with: make PYTHON=/path/to/python …" >&2
exit 1
