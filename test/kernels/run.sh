#!/usr/bin/env bash
# Runs a command in this checkout under another kernel: a virtual machine that sees this machine's files, and whose own
# changes are forgotten with it. Without /dev/kvm it is emulated, some ten to twenty times slower.
#
# Usage: test/kernels/run.sh COMMAND...
#   test/kernels/run.sh npx vitest run --project dataplane
#   KERNEL=linux-image-6.12-amd64 test/kernels/run.sh env HEADRACE_TEST_PATIENCE=20 npx vitest run --project lab test/lab/neighbor.test.ts
#
# KERNEL     a package of Debian's kernel, or one that depends on it; default linux-image-amd64, which is 6.1 on Debian 12
# MEMORY     of the virtual machine, default 4G
# Ends with the command's status. Build first (npm run build): nothing written in there is kept.
set -euo pipefail
cd "$(dirname "$0")/../.."
die() { printf 'kernels: %s\n' "$*" >&2; exit 1; }
[ $# -gt 0 ] || die "say what to run: test/kernels/run.sh npx vitest run --project dataplane"
[ "$(uname -m)" = x86_64 ] || die "only written for x86_64 so far"
bash scripts/setup.sh kernels

package=${KERNEL:-linux-image-amd64}
concrete=$(apt-cache depends "$package" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
concrete=${concrete:-$package}
release=${concrete#linux-image-}
folder=$PWD/build/kernels/$concrete
if [ ! -e "$folder/done" ]; then
  printf '▸ fetching %s\n' "$concrete" >&2
  rm -rf "$folder"
  mkdir -p "$folder"
  (cd "$folder" && apt-get download -qq "$concrete" 2>/dev/null) || die "apt-get download $concrete failed: is there such a package? (apt-cache search linux-image)"
  dpkg-deb -x "$folder"/*.deb "$folder"
  rm "$folder"/*.deb
  depmod -b "$folder" "$release"
  touch "$folder/done"
fi

image=$(mktemp -d)
trap 'rm -rf "$image"' EXIT
mkdir -p "$image"/files/{bin,sbin,dev,proc,sys,modules}
cp /bin/busybox "$image/files/bin/"
cp test/kernels/init "$image/files/"
# The kernel asks for modules here, where its first process lives.
printf '#!/bin/busybox sh\nexec /bin/busybox chroot /root /sbin/modprobe "$@"\n' >"$image/files/sbin/modprobe"
chmod 755 "$image/files/sbin/modprobe"
chmod 755 "$image/files/init"
printf 'release=%q\nmodules=%q\ncheckout=%q\n' "$release" "$folder/lib/modules/$release" "$PWD" >"$image/files/settings"
printf '%q ' "$@" >"$image/files/command"
number=10
for module in virtio_pci 9pnet_virtio 9p overlay; do modprobe -S "$release" -d "$folder" --show-depends "$module"; done |
  sed -n 's/^insmod //p' | awk '!seen[$0]++' | while read -r file; do
  cp $file "$image/files/modules/$((number++))-$(basename "$file")"
done
(cd "$image/files" && find . | cpio -o -H newc 2>/dev/null | gzip) >"$image/initrd"

accelerator=tcg,thread=multi
if [ -w /dev/kvm ]; then accelerator=kvm; fi
qemu-system-x86_64 -machine q35 -cpu max -accel $accelerator -smp "$(nproc)" -m "${MEMORY:-4G}" -nic none -nographic -no-reboot \
  -kernel "$folder/boot/vmlinuz-$release" -initrd "$image/initrd" -append 'console=ttyS0 panic=-1 quiet loglevel=3' \
  -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=host,mount_tag=host \
  </dev/null | tee "$image/said"
status=$(sed -n 's/.*kernel-exit \([0-9]*\).*/\1/p' "$image/said" | tail -1)
[ -n "$status" ] || die "the virtual machine ended before the command did"
exit "$status"
