#!/usr/bin/env bash
# Builds the test bed's programs into $CACHE_DIR/bin, each group only when its inputs changed: core from Go modules, prometheus from Debian.
#
#   build.sh [GROUP...]      groups: core prometheus; default core
#   build.sh --check [GROUP...]   exit 0 when every named group is up to date, 1 otherwise; builds nothing
#
# CACHE_DIR  default $HOME/.cache/forewarm
# KUBE_VERSION is read from controlplane/go.mod.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CACHE_DIR:-$HOME/.cache/forewarm}
bin=$cache/bin
check=
[ "${1:-}" = --check ] && { check=1; shift; }
[ $# -gt 0 ] || set -- core

# group -> folder of its go.mod, programs it makes (as they are named in bin)
folder() { echo controlplane; }
programs() {
  case $1 in
    core) echo etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok helm ;;
    prometheus) echo prometheus promtool ;;
    *) echo "build.sh: no group $1" >&2; exit 2 ;;
  esac
}

# Programs built as modules know no version of their own: /version would say v0.0.0-master, which clients read.
ldflags() {
  local v major minor
  v=$(sed -n 's#^.*k8s.io/kubernetes v\([0-9.]*\).*#\1#p' "$here/controlplane/go.mod" | head -1)
  IFS=. read -r major minor _ <<<"$v"
  local p f=(-s -w)
  for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    f+=(-X "$p.gitVersion=v$v" -X "$p.gitMajor=$major" -X "$p.gitMinor=$minor" -X "$p.gitTreeState=clean")
  done
  f+=(-X helm.sh/helm/v4/internal/version.version="$(sed -n 's#^.*helm.sh/helm/v4 \(v[0-9.]*\).*#\1#p' "$here/controlplane/go.mod" | head -1)")
  echo "${f[*]}"
}

# Same inputs, same stamp: module pins, own sources, toolchain, platform, link flags. Raise the recipe number when build() changes.
stamp() {
  local d=$here/$(folder "$1")
  # Whatever version this Debian release has: package lists may be absent when the cache is reused.
  if [ "$1" = prometheus ]; then (. /etc/os-release; echo "$ID $VERSION_ID"); return; fi
  { echo recipe 1; go env GOVERSION GOOS GOARCH; ldflags; (cd "$d" && find . -name 'go.*' -o -name '*.go' | LC_ALL=C sort | xargs cat); } | sha256sum | cut -d' ' -f1
}

fresh() { # GROUP
  local p
  [ -f "$bin/.stamp-$1" ] && [ "$(cat "$bin/.stamp-$1")" = "$(stamp "$1")" ] || return 1
  for p in $(programs "$1"); do [ -x "$bin/$p" ] || return 1; done
}

build() { # GROUP
  local out=$cache/new-$1
  rm -rf "$out"; mkdir -p "$out" "$bin"
  if [ "$1" = prometheus ]; then
    # Unpacked, not installed: no daemon is started and none of the web UI's packages are needed.
    apt-cache policy prometheus | grep -q 'Candidate: [0-9]' || apt-get -q update >/dev/null
    (cd "$out" && apt-get -q download prometheus >/dev/null 2>&1 && dpkg -x prometheus_*.deb .)
    mv "$out"/usr/bin/prometheus "$out"/usr/bin/promtool "$bin/"
  else
    (cd "$here/$(folder "$1")" && GOFLAGS=-mod=readonly CGO_ENABLED=0 go build -trimpath -ldflags "$(ldflags)" -o "$out/" tool)
    mv "$out/server" "$out/etcd"
    mv "$out"/* "$bin/"
  fi
  rm -rf "$out"
  stamp "$1" >"$bin/.stamp-$1"
}

for g in "$@"; do programs "$g" >/dev/null; done
mkdir -p "$bin"
exec 9>"$cache/.lock"
[ -n "$check" ] || flock 9 # one build at a time on a machine
for g in "$@"; do
  if fresh "$g"; then echo "$g: up to date"; continue; fi
  [ -z "$check" ] || { echo "$g: must be built"; exit 1; }
  began=$(date +%s)
  echo "$g: building $(programs "$g")"
  build "$g"
  echo "$g: built in $(( $(date +%s) - began )) s"
done
