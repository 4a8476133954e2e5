#!/usr/bin/env bash
# Brings this machine and this checkout to the point where GOAL can run, and does nothing that is already done.
#
# Usage: scripts/setup.sh [build|demo|test|bench|lint|kernels]
#
# Steps, each skipped when there is nothing to do: Debian packages, npm ci, the XDP objects, the bindings generated
# from their BTF, and the TypeScript build into dist/.
set -euo pipefail
cd "$(dirname "$0")/.."
goal=${1:-build}

say() { printf '\033[1m▸ %s\033[0m\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

node_version=$(node -p 'process.versions.node' 2>/dev/null) || die "Node.js is not installed: install 20.19 or newer, from nodejs.org for example (Debian 12's own is 18)"
[ "$(printf '20.19\n%s\n' "$node_version" | sort -V | head -1)" = 20.19 ] || die "Node.js $node_version is too old: install 20.19 or newer, from nodejs.org for example (Debian 12's own is 18)"

packages_of() { # packages_of GOAL: the Debian packages a goal needs, from the lists in scripts/packages/
  local list
  case $1 in
    build | lint) list='build' ;;
    demo) list='build runtime lab' ;;
    bench) list='build runtime lab' ;;
    test) list='build runtime lab test' ;;
    kernels) list='build runtime lab test kernels' ;;
    *) die "unknown goal '$1': use build, demo, test, bench, lint or kernels" ;;
  esac
  for name in $list; do sed 's/#.*//' "scripts/packages/$name"; done | tr -s ' \n' '\n' | sed '/^$/d' | sort -u
}

missing=()
wanted=$(packages_of "$goal")
for package in $wanted; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || die "install these by hand, this is not a Debian system: ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "run as root once, or install: apt-get install ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  # The daemons among them are run by tests in namespaces of their own: the system's must not start by themselves.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  mkdir -p build
  {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  } >build/apt.log 2>&1 || { tail -20 build/apt.log >&2; die "apt-get failed, see build/apt.log"; }
  if [ -n "$(trap -p EXIT)" ]; then rm -f $policy; trap - EXIT; fi
fi

lock=$(sha256sum package-lock.json | cut -d' ' -f1)-$(node -p 'process.versions.modules')
if [ "$(cat node_modules/.headrace-lock 2>/dev/null || true)" != "$lock" ]; then
  say "npm ci"
  npm ci --silent --ignore-scripts
  echo "$lock" >node_modules/.headrace-lock
fi

make --no-print-directory -s -j2 -f scripts/build.mk
