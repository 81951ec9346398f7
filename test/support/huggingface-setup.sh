#!/bin/sh
# Puts the real huggingface_hub where test/adapters/agent/huggingface.test.ts looks for it.
set -eu
home="${FOREWARM_HF:-$HOME/.cache/forewarm/hf}"
[ -x "$home/bin/python" ] || python3 -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0
"$home/bin/python" -c 'import huggingface_hub; print("huggingface_hub", huggingface_hub.__version__)'
