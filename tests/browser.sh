#!/usr/bin/env bash
# Install the programs of tests/test_browser.py that pip does not have: Debian's Chromium with its driver, and axe-core
# from npm, in build/browser. Tests are skipped if a program cannot be installed; a message names it.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/browser
axe="axe-core-4.14.1"
integrity=FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ== # SHA-512, as npm has it

has() { command -v "$1" >/dev/null; }

if ! has chromium || ! has chromedriver; then
    packages=(chromium chromium-driver fonts-dejavu-core)
    if [ "$(id -u)" = 0 ] && has apt-get; then
        export DEBIAN_FRONTEND=noninteractive
        { apt-get -qq update && apt-get -qq --no-install-recommends install "${packages[@]}" >/dev/null; } ||
            echo "apt-get could not install ${packages[*]}: the pages are not tested in a browser"
    else
        echo "The pages are not tested in a browser; for that, install Debian's packages ${packages[*]}"
    fi
fi

if [ ! -f "$folder/$axe.tgz" ]; then
    mkdir -p "$folder/new"
    if ! has npm; then
        echo "Accessibility is not tested; for that, install npm, which fetches axe-core"
    elif ! npm pack --silent --pack-destination "$folder/new" "${axe%-*}@${axe##*-}" >/dev/null; then
        echo "npm could not fetch $axe: accessibility is not tested"
    else
        found=$(sha512sum "$folder/new/$axe.tgz" | cut -d ' ' -f 1)
        if [ "$found" != "$(base64 -d <<<"$integrity" | od -A n -t x1 | tr -d ' \n')" ]; then
            echo "FAILED: $axe.tgz is not the file that this script was written for" >&2
            exit 1
        fi
        tar -xzf "$folder/new/$axe.tgz" -C "$folder" --strip-components 1 package/axe.min.js
        mv "$folder/new/$axe.tgz" "$folder/"
    fi
    rm -rf "$folder/new"
fi
