#!/usr/bin/env bash
# Prints the path of a Chromium for the browser tests; installs one where there is none.
# CHROMIUM_PATH names one to use. All that is said goes to stderr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

found() {
  local candidate
  for candidate in "${CHROMIUM_PATH:-}" chromium chromium-browser google-chrome-stable google-chrome; do
    [ -n "$candidate" ] && command -v "$candidate" && return 0
  done
  # Playwright's own, where it was installed before.
  candidate=$(.venv/bin/python - <<'PY' 2>/dev/null || true
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
PY
  )
  [ -n "$candidate" ] && [ -x "$candidate" ] && echo "$candidate"
}

found && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "> installing Chromium with apt for the browser tests" >&2
  log=$(mktemp)
  if { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    chromium fonts-dejavu-core; } >"$log" 2>&1; then
    rm -f "$log"
    found && exit 0
  fi
  tail -n 5 "$log" >&2
  rm -f "$log"
  echo "> apt could not; trying Playwright's own Chromium" >&2
fi

echo "> downloading Playwright's Chromium for the browser tests" >&2
.venv/bin/python -m playwright install chromium >&2 || true
found && exit 0
echo "! No Chromium for the browser tests, and none could be installed. Install one and name it: CHROMIUM_PATH=/path make test" >&2
exit 1
