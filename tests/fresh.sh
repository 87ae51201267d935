#!/usr/bin/env bash
# A fresh computer, with Debian and only what README.md asks for: the packages are installed, and Figure 1
# is made on the smallest sky. Needs root and debootstrap; the computer is a folder, removed at the end.
#
# tests/fresh.sh bookworm        Debian 12, Python 3.11; also runs the quick tests
# tests/fresh.sh trixie short    Debian 13, Python 3.13; without them
set -euo pipefail
cd "$(dirname "$0")/.."
suite=$1 form=${2:-whole}

root=$(mktemp --directory)
trap 'rm --recursive --force "$root"' EXIT
debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,gcc,libc6-dev,make,git,ca-certificates \
    "$suite" "$root" > /dev/null
git clone --quiet . "$root/root/morphoflow"
# Where a network has its own certificates or packages, pip needs them there too.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mapfile -t pip < <(env | grep '^PIP_' || true)

# The mounts end with this namespace.
unshare --mount bash -euo pipefail -c '
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    exec chroot "$0" env --ignore-environment "${@:2}" HOME=/root LANG=C.UTF-8 \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -euo pipefail -c "
            cd /root/morphoflow
            make env
            .venv/bin/python --version
            source .venv/bin/activate
            snakemake --configfile config/toy.yaml tests/toy/config.yaml --cores all --quiet -- figure_1
            test -s results/toy/8_figures/figure_1.png
            [ $1 = short ] || make test"
' "$root" "$form" "${pip[@]}"
echo "$suite ($form): passed"
