#!/usr/bin/env bash
# run.sh FOLDER: Debian's Prometheus scrapes what FOLDER/targets.json lists, every second, loopback only.
# Data in a temporary folder; prints PROMETHEUS_URL when ready; ends with a signal. PORT: fixed port, optional.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${KUBEBUILDER_ASSETS:-${CACHE_DIR:-$HOME/.cache/forewarm}/bin}
port=${PORT:-$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')}
targets=$(cd "$1" && pwd)
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }; rm -rf "$dir"' EXIT
trap 'exit 143' INT TERM
sed "s#\${DIR}#$targets#" "$here/prometheus.yml" >"$dir/prometheus.yml"
setpriv --pdeathsig KILL "$bin/prometheus" --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" --storage.tsdb.retention.time=2h \
  --web.listen-address="127.0.0.1:$port" --web.enable-lifecycle --web.enable-admin-api \
  --query.lookback-delta=10s --log.level=warn &
pid=$!
until curl -fsS "http://127.0.0.1:$port/-/ready" >/dev/null 2>&1; do kill -0 "$pid"; sleep 0.05; done
echo "PROMETHEUS_URL=http://127.0.0.1:$port"
wait "$pid"
