#!/usr/bin/env bash
# Install packages into an environment, and say how far it is: pip itself is silent for minutes.
# Usage: envs/install.sh ENVIRONMENT LOCK
set -euo pipefail
environment=$1 lock=$2
log=$environment/pip.log
packages=$(grep -c '^[^ #].*==' "$lock")
echo "Installing $packages packages into $environment (about 4 GB), in about 4 minutes; log: $log"

"$environment/bin/pip" install --disable-pip-version-check --progress-bar off \
    --require-hashes -r "$lock" > "$log" 2>&1 &
pip=$!
# Otherwise pip would go on after Ctrl-C.
trap 'kill "$pip" 2> /dev/null || true' EXIT

seconds=0
while kill -0 "$pip" 2> /dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    # Each tenth second, and on a terminal each, in one line.
    [ -t 1 ] || [ $((seconds % 10)) = 0 ] || continue
    if grep -q '^Installing collected packages' "$log"; then
        installed=$(find "$environment"/lib -maxdepth 3 -name '*.dist-info' | wc -l)
        line="unpacked $installed of $packages"
    else
        line="downloaded $(grep -c '^Collecting' "$log" || true) of $packages"
    fi
    if [ -t 1 ]; then printf '\r\033[K  %s s: %s' "$seconds" "$line"; else
        echo "  $seconds s: $line"
    fi
done
[ ! -t 1 ] || echo

wait "$pip" || {
    tail -n 20 "$log" >&2
    echo "error: pip could not install the packages; all its messages are in $log" >&2
    exit 1
}
