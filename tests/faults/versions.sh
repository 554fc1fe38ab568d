#!/usr/bin/env bash
# The tests with the lowest or the newest versions that pyproject.toml allows, in an environment of its own:
#   tests/faults/versions.sh lowest|newest [arguments of pytest]
# Not in the background: a shell makes such processes deaf to Ctrl-C, which tests use.
# PYTHON (default python3) makes the environment; it is removed at the end unless KEEP names a folder for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
which=${1:?lowest or newest}
shift
python=${PYTHON:-python3}
folder=${KEEP:-$(mktemp -d)}
chmod 755 "$folder" # tests become other users
[ -n "${KEEP:-}" ] || trap 'rm -rf "$folder"' EXIT

"$python" -m venv "$folder/venv"
case $which in
  lowest)
    "$python" tests/faults/lowest.py >"$folder/lowest.txt"
    "$folder/venv/bin/pip" install -q -c "$folder/lowest.txt" -e ".[test]"
    ;;
  newest) "$folder/venv/bin/pip" install -q --upgrade --upgrade-strategy eager -e ".[test]" ;;
  *)
    echo "lowest or newest, not '$which'" >&2
    exit 2
    ;;
esac
"$folder/venv/bin/pip" freeze --exclude-editable >"$folder/$which.txt"
"$folder/venv/bin/pip" check
"$folder/venv/bin/python" -m pytest -q -n 2 --dist loadfile "$@"
