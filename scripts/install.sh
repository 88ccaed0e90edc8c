#!/usr/bin/env bash
# Builds .venv and installs the project into it: install.sh WHAT STAMP…
# The stamps say for make that this was done with the present pyproject.toml and constraints.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=$1
shift

if [ -z "${PYTHON:-}" ] || ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "! Python 3.11 or newer is needed${PYTHON:+; $PYTHON is not one}. Install it (Debian: apt install python3 python3-venv)," >&2
  echo "! or name one: PYTHON=/path/to/python3.12 make run" >&2
  exit 1
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  echo "> creating .venv with $("$PYTHON" --version)"
  rm -rf .venv
  # Debian ships Python without what venv needs to bring pip along.
  if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "> installing python3-venv with apt"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y python3-venv; } >/dev/null 2>&1 || true
  fi
  if ! output=$("$PYTHON" -m venv .venv 2>&1); then
    rm -rf .venv
    echo "! $PYTHON cannot create a virtual environment: ${output##*$'\n'}" >&2
    echo "! On Debian and Ubuntu: apt install python3-venv. Then again." >&2
    exit 1
  fi
fi

constraints=()
[ -f constraints.txt ] && constraints=(-c constraints.txt)

echo "> installing the packages of $what (the first time some minutes: torch alone is 200 MB or more)"
# One line a downloaded package is progress enough; the rest of what pip says matters only when it fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! .venv/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off --prefer-binary \
  "${constraints[@]}" -e "$what" 2>&1 |
  tee "$log" | sed -unE 's|^ *Downloading ([^ ]*/)?([A-Za-z0-9_.]+)-([0-9][^-]*)-.*(\([0-9.]+ [kMG]B\)).*|  \2 \3 \4|p'; then
  echo "! pip could not install $what:" >&2
  tail -n 25 "$log" >&2
  exit 1
fi
touch "$@"
echo "> installed"
