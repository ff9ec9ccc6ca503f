# shellcheck shell=bash
# Sourced by the scripts beside it: installs what is missing, and nothing else.
# Debian 12 names; Ubuntu 24.04 differs where a comment says so.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

need_root() {
  [ "$(id -u)" = 0 ] || { echo "$0 needs root: sudo $0" >&2; exit 1; }
}

# install_packages PACKAGE...: those not installed yet, without starting any service.
install_packages() {
  local missing=() name log status=0 policy=/usr/sbin/policy-rc.d made_policy=
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return
  say "installing Debian packages: ${missing[*]}"
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made_policy=1
  fi
  log=$(mktemp --suffix=.ipam-apt.log)
  { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 update &&
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
      --no-install-recommends install "${missing[@]}"; } >"$log" 2>&1 || status=$?
  [ -z "$made_policy" ] || rm -f $policy
  if [ $status != 0 ]; then
    tail -n 20 "$log" >&2
    echo "apt-get failed; its whole output is in $log" >&2
    exit 1
  fi
  rm -f "$log"
}

# What Nova needs to run real guests: an emulator, its manager, a kernel and what to boot it with.
libvirt_packages=(qemu-system-x86 qemu-utils libvirt-daemon-system libvirt-clients libvirt-dev
  pkg-config gcc python3-dev busybox-static cpio)

# A Python that the product supports; the system's own first, it starts fastest.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" /usr/bin/python3 python3.13 python3.12 python3.11 python3; do
    command -v "${candidate:-/nonexistent}" >/dev/null || continue
    "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
      2>/dev/null && { command -v "$candidate"; return; }
  done
  echo "no Python 3.11 or newer with venv found; on Debian: apt install python3-venv" >&2
  exit 1
}

# make_venv EXTRAS: .venv with this checkout installed in place, again only when pyproject changed.
make_venv() {
  local extras=$1 hash
  hash=$(sha256sum pyproject.toml | cut -c1-16)
  if [ -x .venv/bin/ipam ] && grep -qsxF "$hash $extras" .venv/ipam-stamp; then return; fi
  say "making the virtual environment .venv (a minute)"
  [ -x .venv/bin/python ] || "$(find_python)" -m venv .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check -e ".$extras"
  printf '%s \n%s %s\n' "$hash" "$hash" "$extras" >>.venv/ipam-stamp # the bare one is in every other
}
