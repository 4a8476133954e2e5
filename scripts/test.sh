#!/usr/bin/env bash
# Runs the unit, dataplane and lab tests. Arguments go to vitest: scripts/test.sh --project unit -t 'codec'
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "test: these tests load XDP programs and make network namespaces: run them as root" >&2; exit 1; }
exec node_modules/.bin/vitest run "$@"
