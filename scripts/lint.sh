#!/usr/bin/env bash
# Formatting, lint rules, types and the direction of imports.
set -euo pipefail
cd "$(dirname "$0")/.."
node_modules/.bin/biome check --error-on-warnings .
node_modules/.bin/tsc -p tsconfig.json --noEmit
node_modules/.bin/tsc -p monitoring/page
node scripts/check-imports.mjs
echo "lint: all well"
