#!/usr/bin/env bash
# Brings up etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok on loopback, in a
# temporary folder, and stops all of them on exit.
#
#   up.sh                  prints "KUBECONFIG=<path>" and "READY <ms>", then runs until it gets a signal
#   up.sh -- CMD ARGS...   runs CMD with KUBECONFIG and PATH set, exits with CMD's status
#
# Environment (all optional)
#   CACHE_DIR           default $HOME/.cache/forewarm; binaries are in $CACHE_DIR/bin
#   KUBEBUILDER_ASSETS  a folder with the binaries; default $CACHE_DIR/bin
#   CLUSTER_DIR         use (and keep) this folder instead of a temporary one
#   KEEP=1              keep the temporary folder (logs) on exit
#   WITHOUT             space separated: kcm scheduler kwok
#   HPA_SYNC=1s  HPA_STABILIZATION=5s  HPA_TOLERANCE=0.1
#   NODE_LOSS_SECONDS=5 how long a pod stays on a node that is not ready (300 in a real cluster)
#   FEATURE_GATES       passed to apiserver, controller manager and scheduler
#   KCM_CONTROLLERS     value of --controllers
#   AUDIT=1             writes audit.log (level Metadata, one JSON line a request) into the folder
#   KWOK_CONFIG         default kwok/stages.yaml beside this script
#   APISERVER_ARGS KCM_ARGS SCHEDULER_ARGS KWOK_ARGS ETCD_ARGS   extra flags, split on spaces
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CACHE_DIR:-$HOME/.cache/forewarm}
bin=${KUBEBUILDER_ASSETS:-$cache/bin}
without=" ${WITHOUT:-} "
began=$(date +%s%3N)

for b in etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok; do
  [ -x "$bin/$b" ] || { echo "up.sh: $bin/$b is missing; run build.sh core first" >&2; exit 2; }
done

if [ -n "${CLUSTER_DIR:-}" ]; then
  dir=$CLUSTER_DIR; KEEP=1; mkdir -p "$dir"
else
  dir=$(mktemp -d "${TMPDIR:-/tmp}/forewarm-cluster.XXXXXX")
fi
mkdir -p "$dir/pki" "$dir/log"
rm -f "$dir"/*.pid
cmd=

running() { local f p; for f in "$dir"/*.pid; do p=$(cat "$f" 2>/dev/null) && kill -0 "$p" 2>/dev/null && echo "$p"; done; }
stop() {
  trap - EXIT
  trap '' INT TERM HUP
  [ -z "${cmd:-}" ] || { kill -TERM "$cmd" 2>/dev/null && wait "$cmd" 2>/dev/null; } || true
  # A second for the clients to leave in order; the API server would wait up to a minute for open watches.
  local i
  running | xargs -r kill -TERM 2>/dev/null || true
  for ((i = 0; i < 20; i++)); do [ -n "$(running)" ] || break; sleep 0.05; done
  running | xargs -r kill -KILL 2>/dev/null || true
  wait 2>/dev/null || true
  [ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap 'stop' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A component dies with this script even when the script is killed with SIGKILL. NAME.pid and NAME.cmd are for tests (restart.sh).
spawn() { # NAME CMD ARGS...
  local name=$1; shift
  printf '%q ' "$@" >"$dir/$name.cmd"
  setpriv --pdeathsig KILL "$@" >"$dir/log/$name.log" 2>&1 </dev/null &
  echo $! >"$dir/$name.pid"
  disown # a killed component is a test's doing: bash need not report it
}

die() { echo "up.sh: $1" >&2; [ -z "${2:-}" ] || tail -n 20 "$dir/log/$2.log" >&2; exit 1; }

await() { # NAME SECONDS CMD...
  local name=$1 end=$(( $(date +%s) + $2 )); shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$(cat "$dir/$name.pid")" 2>/dev/null || die "$name ended" "$name"
    [ "$(date +%s)" -lt "$end" ] || die "$name not ready in time" "$name"
    sleep 0.05
  done
}

# --- ports: asked from the kernel, all held open at once so that no two are equal
read -r etcdPort peerPort apiPort kcmPort schedPort kwokPort < <(node -e '
  const net = require("node:net"), n = 6, held = []
  for (let i = 0; i < n; i++) held.push(net.createServer().listen(0, "127.0.0.1", done))
  let up = 0
  function done() { if (++up === n) { console.log(held.map((s) => s.address().port).join(" ")); held.forEach((s) => s.close()) } }
')

# --- certificates (P-256: five in 0.1 s)
pki=$dir/pki
ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$2" \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature \
         -keyout "$pki/$1.key" -out "$pki/$1.crt" 2>/dev/null; }
leaf() { # NAME CA SUBJECT USAGE [SAN]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$3" \
    -keyout "$pki/$1.key" -out "$pki/$1.csr" 2>/dev/null
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/$2.crt" -CAkey "$pki/$2.key" -CAcreateserial -days 30 \
    -extfile <(printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n%s\n' "$4" "${5:+subjectAltName=$5}") \
    -out "$pki/$1.crt" 2>/dev/null
}
ca ca forewarm-test-ca
ca front-proxy-ca forewarm-test-front-proxy-ca
leaf apiserver ca /CN=kube-apiserver serverAuth "IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
leaf admin ca /O=system:masters/CN=admin clientAuth
leaf kcm ca /CN=system:kube-controller-manager clientAuth
leaf scheduler ca /CN=system:kube-scheduler clientAuth
leaf front-proxy front-proxy-ca /CN=front-proxy-client clientAuth
openssl ecparam -name prime256v1 -genkey -noout -out "$pki/sa.key" 2>/dev/null
openssl ec -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null

config() { # NAME FILE
  cat >"$2" <<Y
apiVersion: v1
kind: Config
current-context: forewarm-test
clusters: [{name: forewarm-test, cluster: {server: "https://127.0.0.1:$apiPort", certificate-authority: $pki/ca.crt}}]
users: [{name: $1, user: {client-certificate: $pki/$1.crt, client-key: $pki/$1.key}}]
contexts: [{name: forewarm-test, context: {cluster: forewarm-test, user: $1, namespace: default}}]
Y
}
config admin "$dir/kubeconfig"
config kcm "$dir/kcm.kubeconfig"
config scheduler "$dir/scheduler.kubeconfig"
cat >"$dir/scheduler.yaml" <<Y
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: $dir/scheduler.kubeconfig, qps: 500, burst: 1000}
leaderElection: {leaderElect: false}
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 2
Y

gates=()
[ -z "${FEATURE_GATES:-}" ] || gates=(--feature-gates="$FEATURE_GATES")
audit=()
if [ -n "${AUDIT:-}" ]; then
  printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n' >"$dir/audit-policy.yaml"
  audit=(--audit-policy-file="$dir/audit-policy.yaml" --audit-log-path="$dir/audit.log" --audit-log-mode=blocking)
fi

# --- etcd
# shellcheck disable=SC2086
spawn etcd "$bin/etcd" --name=test --data-dir="$dir/etcd" --unsafe-no-fsync=true --log-level=warn \
  --listen-client-urls="http://127.0.0.1:$etcdPort" --advertise-client-urls="http://127.0.0.1:$etcdPort" \
  --listen-peer-urls="http://127.0.0.1:$peerPort" --initial-advertise-peer-urls="http://127.0.0.1:$peerPort" \
  --initial-cluster="test=http://127.0.0.1:$peerPort" ${ETCD_ARGS:-}

# --- kube-apiserver (it waits for etcd by itself)
# shellcheck disable=SC2086
spawn kube-apiserver "$bin/kube-apiserver" \
  --etcd-servers="http://127.0.0.1:$etcdPort" \
  --bind-address=127.0.0.1 --secure-port="$apiPort" --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
  --cert-dir="$pki/tmp" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
  --client-ca-file="$pki/ca.crt" --authorization-mode=Node,RBAC --allow-privileged=true \
  --service-cluster-ip-range=10.96.0.0/16 \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/sa.pub" \
  --service-account-signing-key-file="$pki/sa.key" \
  --requestheader-client-ca-file="$pki/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
  --requestheader-uid-headers=X-Remote-Uid --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" \
  --default-not-ready-toleration-seconds="${NODE_LOSS_SECONDS:-5}" --default-unreachable-toleration-seconds="${NODE_LOSS_SECONDS:-5}" \
  --profiling=false --v=1 \
  "${gates[@]}" "${audit[@]}" ${APISERVER_ARGS:-}

export KUBECONFIG=$dir/kubeconfig
await etcd 20 curl -fsS "http://127.0.0.1:$etcdPort/health"
await kube-apiserver 60 curl -fsS --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" "https://127.0.0.1:$apiPort/readyz"
apiReady=$(date +%s%3N)

# --- kube-controller-manager
if [[ $without != *" kcm "* ]]; then
  # shellcheck disable=SC2086
  spawn kube-controller-manager "$bin/kube-controller-manager" \
    --kubeconfig="$dir/kcm.kubeconfig" --authentication-kubeconfig="$dir/kcm.kubeconfig" --authorization-kubeconfig="$dir/kcm.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port="$kcmPort" --cert-dir="$pki/kcm-tmp" --leader-elect=false \
    --use-service-account-credentials=true --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" \
    --controllers="${KCM_CONTROLLERS:-*}" \
    --kube-api-qps=500 --kube-api-burst=1000 \
    --horizontal-pod-autoscaler-sync-period="${HPA_SYNC:-1s}" \
    --horizontal-pod-autoscaler-downscale-stabilization="${HPA_STABILIZATION:-5s}" \
    --horizontal-pod-autoscaler-tolerance="${HPA_TOLERANCE:-0.1}" \
    --concurrent-horizontal-pod-autoscaler-syncs=20 \
    --node-monitor-period=1s --node-monitor-grace-period=8s \
    --profiling=false --v=2 "${gates[@]}" ${KCM_ARGS:-}
fi

# --- kube-scheduler
if [[ $without != *" scheduler "* ]]; then
  # shellcheck disable=SC2086
  spawn kube-scheduler "$bin/kube-scheduler" --config="$dir/scheduler.yaml" \
    --authentication-kubeconfig="$dir/scheduler.kubeconfig" --authorization-kubeconfig="$dir/scheduler.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port="$schedPort" --cert-dir="$pki/sched-tmp" --v=2 "${gates[@]}" ${SCHEDULER_ARGS:-}
fi

# --- kwok: plays the kubelet of every node that carries the annotation kwok.x-k8s.io/node
if [[ $without != *" kwok "* ]]; then
  # shellcheck disable=SC2086
  spawn kwok "$bin/kwok" --kubeconfig="$KUBECONFIG" --config="${KWOK_CONFIG:-$here/kwok/stages.yaml}" \
    --manage-all-nodes=false --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake \
    --cidr=127.1.0.0/16 --node-ip=127.0.0.1 --server-address="127.0.0.1:$kwokPort" \
    --node-lease-duration-seconds=4 ${KWOK_ARGS:-}
fi

# The controller manager has made the default service account: pods can be admitted from here on.
if [[ $without != *" kcm "* ]]; then
  await kube-controller-manager 60 curl -fsS --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" \
    "https://127.0.0.1:$apiPort/api/v1/namespaces/default/serviceaccounts/default"
fi
[[ $without == *" scheduler "* ]] || await kube-scheduler 60 curl -fsSk "https://127.0.0.1:$schedPort/readyz"
[[ $without == *" kwok "* ]] || await kwok 60 curl -fsS "http://127.0.0.1:$kwokPort/healthz"

echo "KUBECONFIG=$KUBECONFIG"
echo "READY $(( $(date +%s%3N) - began )) ms (apiserver $(( apiReady - began )) ms)"

if [ "${1:-}" = -- ]; then
  shift
  export PATH="$bin:$PATH" CLUSTER_DIR="$dir"
  # In the background, so that a signal to this script is acted on at once and not when CMD ends.
  "$@" <&0 & cmd=$!
  rc=0; wait "$cmd" || rc=$?
  cmd=
  exit "$rc"
else
  # Ends on a signal, or when a component ended by itself and was not restarted.
  while sleep 1; do
    for f in "$dir"/*.pid; do
      kill -0 "$(cat "$f")" 2>/dev/null || { sleep 2; kill -0 "$(cat "$f")" 2>/dev/null || die "$(basename "$f" .pid) ended" "$(basename "$f" .pid)"; }
    done
  done
fi
