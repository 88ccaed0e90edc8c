#!/usr/bin/env bash
# Every check that needs no running of the program. All of them run, then the sum is given.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin
failed=()

# Settings must load, as in production; nothing is connected to, except where a check says so.
export SECRET_KEY=lint-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ DEMO=0 PUBLIC_URL=https://marketplace.example
export ALLOWED_HOSTS=marketplace.example HF_HUB_OFFLINE=1 EMAIL_URL=smtp://mail.marketplace.example

check() {
  local name=$1 begun=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    echo "ok    $name ($((SECONDS - begun)) s)"
  else
    echo "FAIL  $name"
    printf '%s\n' "$output" | sed 's/^/      /'
    failed+=("$name")
  fi
}

# For checks that only read code: addresses where nothing is.
offline() {
  DATABASE_URL=postgresql://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 "$@"
}

templates=()
for folder in templates marketplace/*/templates; do [ -d "$folder" ] && templates+=("$folder"); done

check "ruff check" "$bin/ruff" check .
check "ruff format" "$bin/ruff" format --check .
check "import directions" offline "$bin/lint-imports" --no-cache
check "types" offline "$bin/mypy" .
[ ${#templates[@]} -gt 0 ] && check "templates" "$bin/djlint" --lint "${templates[@]}"
check "django check --deploy" offline "$bin/python" manage.py check --deploy --fail-level WARNING
check "migrations complete" offline "$bin/python" -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

if [ ${#failed[@]} -gt 0 ]; then
  echo "! failed: ${failed[*]}"
  exit 1
fi
