#!/usr/bin/env bash
# What the tests take from Debian: a browser for looking at the report. Nothing happens when it is there.
set -euo pipefail
command -v chromium >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null
apt-get -q install -y --no-install-recommends chromium >/dev/null
