#!/bin/sh
# Installs published AnyTLS implementations by others, each into $ANYTLS_PEERS/<crate>-<version>/bin, outside of the clone.
# What is there already stays. Fails where one could not be had, and says which.
set -u

: "${ANYTLS_PEERS:=${XDG_CACHE_HOME:-$HOME/.cache}/anytls-tray/peers}"
limit=420 # seconds for one; it takes 270 on two cores
bounded="timeout $limit"
command -v timeout >/dev/null || bounded= # macOS has none

if ! command -v cargo >/dev/null; then
    echo "Peers: cargo is not installed, so none can be built."
    exit 1
fi

failed=
for peer in anytls@0.5.3 anytls-rs@0.5.4; do
    root=$ANYTLS_PEERS/$(echo "$peer" | tr @ -)
    if [ -x "$root/bin/anytls-server" ] && [ -x "$root/bin/anytls-client" ]; then
        echo "Peers: $peer is there."
        continue
    fi
    echo "Peers: installing $peer, at most $limit s."
    mkdir -p "$root"
    # What was compiled before time ran out is kept for the next try.
    if CARGO_TARGET_DIR=$root/build $bounded cargo install --quiet --locked --root "$root" "$peer"; then
        rm -rf "$root/build"
        echo "Peers: $peer installed."
    else
        failed="$failed $peer"
        echo "Peers: $peer could NOT be installed."
    fi
done
[ -z "$failed" ]
