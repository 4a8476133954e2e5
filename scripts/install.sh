#!/usr/bin/env bash
# Installs a built checkout, or takes an installation away again.
#
#   scripts/install.sh [install]     build first: npm run build
#   scripts/install.sh uninstall     keeps /etc/headrace; ends forwarding in XDP
#   DESTDIR=/some/folder scripts/install.sh    for packaging: nothing of this machine is touched
#
# An upgrade is the same as an installation: files are replaced, and "systemctl restart headrace" goes over to them
# without losing a packet.
set -euo pipefail
cd "$(dirname "$0")/.."
dest=${DESTDIR:-}
lib=$dest/usr/lib/headrace
units=(headrace.service headrace-load.service run-headrace-bpf.mount headrace-decap.service)

die() { printf 'install: %s\n' "$*" >&2; exit 1; }
say() { printf '▸ %s\n' "$*" >&2; }

# What runs, without what only builds and tests: dist/ as far as the program goes, the XDP object, the live page,
# production packages.
install_files() {
  [ -e build/xdp/headrace.bpf.o ] && [ -e dist/appliance/cli/main.js ] || die "build first: npm run build"
  local new=$lib.new
  rm -rf "$new"
  install -d "$new/build/xdp" "$dest/usr/bin" "$dest/etc/headrace"
  cp -R dist "$new/dist"
  rm -rf "$new/dist/.tsbuildinfo" "$new/dist/.stamp" "$new/dist/test/unit" "$new/dist/test/dataplane" "$new/dist/test/bench"
  find "$new/dist" -name '*.test.js*' -delete
  for object in build/xdp/*.bpf.o; do
    case $object in *bench*) ;; *) install -m 644 "$object" "$new/build/xdp/" ;; esac
  done
  install -D -m 644 -t "$new/build/page" build/page/*
  install -m 644 package.json package-lock.json "$new/"
  say "production packages"
  copy_packages "$new"
  # The old files stay in place until the new ones are whole.
  rm -rf "$lib.old"
  if [ -e "$lib" ]; then mv "$lib" "$lib.old"; fi
  mv "$new" "$lib"
  rm -rf "$lib.old"
  ln -sfn ../lib/headrace/dist/appliance/cli/main.js "$dest/usr/bin/headrace"
  chmod 755 "$lib/dist/appliance/cli/main.js"
  for unit in "${units[@]}"; do install -D -m 644 "systemd/$unit" "$dest/usr/lib/systemd/system/$unit"; done
  install -D -m 644 systemd/sysusers.conf "$dest/usr/lib/sysusers.d/headrace.conf"
  install -D -m 644 systemd/tmpfiles.conf "$dest/usr/lib/tmpfiles.d/headrace.conf"
  install -D -m 644 systemd/sysctl.conf "$dest/usr/lib/sysctl.d/60-headrace.conf"
  [ -e "$dest/etc/headrace/headrace.yaml" ] || install -m 644 systemd/headrace.yaml "$dest/etc/headrace/headrace.yaml"
  install -d "$dest/usr/share/doc/headrace"
  cp -R README.md CHANGELOG.md LICENSE LICENSES docs/. "$dest/usr/share/doc/headrace/"
  # For Grafana and Prometheus beside us; their tests stay here.
  local file
  for file in monitoring/grafana/dashboards/*.json; do
    install -D -m 644 -t "$dest/usr/share/headrace/grafana/dashboards" "$file"
  done
  for file in monitoring/grafana/provisioning/*; do
    install -D -m 644 -t "$dest/usr/share/headrace/grafana/provisioning" "$file"
  done
  for file in monitoring/prometheus/headrace-*.yaml; do
    install -D -m 644 -t "$dest/usr/share/headrace/prometheus" "$file"
  done
}

# The packages of package-lock.json that are not for development, from node_modules as it is: no network is needed.
copy_packages() {
  local name
  node -e '
    const lock = JSON.parse(require("fs").readFileSync("package-lock.json", "utf8"));
    for (const [path, entry] of Object.entries(lock.packages))
      if (path.startsWith("node_modules/") && !entry.dev && !entry.devOptional) console.log(path);
  ' | while read -r name; do
    [ -e "$name" ] || continue # for another platform
    install -d "$1/$name"
    cp -R "$name/." "$1/$name"
  done
}

enable() {
  systemd-sysusers /usr/lib/sysusers.d/headrace.conf
  systemd-tmpfiles --create /usr/lib/tmpfiles.d/headrace.conf
  # The control sockets of routing daemons that are there are read for "headrace bgp".
  local group
  for group in bird frrvty; do
    if getent group "$group" >/dev/null; then usermod -aG "$group" headrace; fi
  done
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
  cat >&2 <<'TEXT'
Installed. Then:
  headrace doctor                                  what this machine lacks
  $EDITOR /etc/headrace/headrace.yaml              which interfaces
  systemctl restart systemd-sysctl                 forwarding, neighbor tables (/usr/lib/sysctl.d/60-headrace.conf)
  systemctl enable --now headrace
After an upgrade: systemctl restart headrace
TEXT
}

uninstall() {
  if [ -z "$dest" ]; then
    if [ -d /run/systemd/system ]; then
      systemctl disable --now headrace.service headrace-decap.service || true
    fi
    # Each instance's programs come off their interfaces.
    if [ -x /usr/bin/headrace ] && [ -d /run/headrace/bpf ]; then
      headrace decap detach >/dev/null 2>&1 || true # nothing there on a box that is no real server
      for folder in /run/headrace/bpf/*/; do
        [ -d "$folder" ] || continue
        headrace detach --instance "$(basename "$folder")"
      done
    fi
    if mountpoint -q /run/headrace/bpf; then umount /run/headrace/bpf; fi
    rm -rf /run/headrace
  fi
  rm -rf "$lib" "$dest/usr/bin/headrace" "$dest/usr/share/doc/headrace" "$dest/usr/share/headrace"
  for unit in "${units[@]}"; do rm -f "$dest/usr/lib/systemd/system/$unit"; done
  rm -f "$dest/usr/lib/sysusers.d/headrace.conf" "$dest/usr/lib/tmpfiles.d/headrace.conf" \
    "$dest/usr/lib/sysctl.d/60-headrace.conf"
  if [ -z "$dest" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
  say "removed; /etc/headrace, /var/lib/headrace and the user headrace are left"
}

case ${1:-install} in
  install)
    [ -n "$dest" ] || [ "$(id -u)" = 0 ] || die "run as root, or set DESTDIR"
    install_files
    if [ -z "$dest" ]; then enable; fi
    ;;
  uninstall)
    [ -n "$dest" ] || [ "$(id -u)" = 0 ] || die "run as root, or set DESTDIR"
    uninstall
    ;;
  *) die "unknown word '$1': use install or uninstall" ;;
esac
