#!/bin/sh
# debian_packages.sh PACKAGE...: installs those that are missing where it may, and otherwise says which command would.
# Without them the program and its tests do what they can, so only a failed installation is an error.
set -eu

if ! command -v apt-get >/dev/null; then
    echo "Not a Debian-like system: see for yourself that these are there, by the names Debian gives them: $*"
    exit 0
fi

missing=
for package; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Missing here:$missing. Install with: sudo apt-get install --no-install-recommends$missing"
    exit 0
fi

echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # one word a package
apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install --yes --no-install-recommends $missing >/dev/null
