#!/usr/bin/env bash
# Measures the stamping of a cutover, with its journal and everything read back, beside ldapmodify doing the bare writes
# over as many connections, in turns on one Samba, and prints a Markdown table of medians and ratios.
#
#   benches/stamp.sh [options]
#     --runs N              how often each measurement runs; medians are printed (default 5)
#     --groups N            how many groups are stamped (default 2000)
#     --users N, --members N
#                           what else is in the domain, and in each group (default 5000, 50)
#     --connections N       connections of either (default 4)
#     --address A           loopback address of the server (default 127.0.0.102)
#     --stamper FILE        measure this stamper instead of building it
#     --out FILE            append the table to this file as well
#
# The domain is filled once and kept under target/bench, shared with benches/ad.sh. samba, ldb-tools, ldap-utils, openssl
# and python3 are needed, and the right to listen on ports below 1024.
set -euo pipefail

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
runs=5 groups=2000 users=5000 members=50 connections=4 address=127.0.0.102 stamper='' out=''
export GROUPSHIFT_AD_PASSWORD=Lab-Passw0rd-1

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }
fail() { printf 'stamp.sh: %s\n' "$*" >&2; exit 1; }
bad_usage() { printf 'stamp.sh: %s\n' "$*" >&2; exit 2; }
note() { printf '%s\n' "$*" >&2; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --runs | --groups | --users | --members | --connections | --address | --stamper | --out)
      [ $# -ge 2 ] || bad_usage "$1 needs a value"
      name=${1#--}
      declare "$name=$2"
      shift 2
      ;;
    *) bad_usage "unknown option $1; --help lists them" ;;
  esac
done
for value in "$runs" "$groups" "$users" "$members" "$connections"; do
  [[ $value =~ ^[1-9][0-9]*$ ]] || bad_usage "\"$value\" is not a whole number above 0"
done
[ "$members" -le "$users" ] || bad_usage "--members is more than --users"
PATH=$PATH:/usr/sbin:/sbin
for tool in samba samba-tool ldbadd ldapmodify ldapsearch openssl python3; do
  command -v "$tool" >/dev/null || fail "$tool is needed"
done
if [ -z "$stamper" ]; then
  note "building (release)"
  cargo build --release --locked --quiet --example stamper
  stamper=$target/release/examples/stamper
fi
[ -x "$stamper" ] || fail "$stamper is no program"
stamper=$(realpath "$stamper")

mkdir -p "$target/bench"
bench=$(realpath "$target/bench")
work=$(mktemp -d "$bench/run.XXXXXX")
server=''
# shellcheck source=benches/samba.sh
. benches/samba.sh
cleanup() {
  stop_server
  rm -rf "$work"
}
trap cleanup EXIT

start_samba "$users" "$groups" "$members"
account=administrator@contoso.test base=OU=BenchGroups,DC=contoso,DC=test url=ldaps://$address
export LDAPTLS_CACERT=$dc/tls/ca.pem
printf '[ad]\nurl = "%s"\nuser = "%s"\nca_file = "%s"\nconnections = %s\n' "$url" "$account" "$LDAPTLS_CACERT" \
  "$connections" >"$work/stamp.toml"

# changes ADD_OR_DELETE: a file of LDIF for each connection.
changes() {
  python3 - "$work/$1" "$1" "$groups" "$connections" "$base" <<'PYTHON'
import sys
name, change, groups, connections, base = sys.argv[1:]
files = [open(f"{name}-{n}.ldif", "w") for n in range(int(connections))]
for n in range(int(groups)):
    files[n % len(files)].write(
        f"dn: CN=Bench Group {n:05},{base}\nchangetype: modify\n{change}: msDS-ExternalDirectoryObjectId\n"
        f"msDS-ExternalDirectoryObjectId: Group_{n:08x}-0000-4000-8000-{n:012x}\n-\n\n")
PYTHON
}
changes add
changes delete
# bare ADD_OR_DELETE: one ldapmodify a connection, all at a time.
bare() {
  local waiting=()
  for ((n = 0; n < connections; n++)); do
    ldapmodify -x -H "$url" -D "$account" -w "$GROUPSHIFT_AD_PASSWORD" -f "$work/$1-$n.ldif" >"$work/$1-$n.out" 2>&1 &
    waiting+=($!)
  done
  for pid in "${waiting[@]}"; do wait "$pid" || fail "ldapmodify: $(cat "$work/$1"-*.out | grep -v '^modifying' | head -3)"; done
}
stamped() {
  ldapsearch -x -LLL -H "$url" -D "$account" -w "$GROUPSHIFT_AD_PASSWORD" -b "$base" -E pr=1000/noprompt \
    '(msDS-ExternalDirectoryObjectId=Group_*)' 1.1 | grep -c '^dn'
}
expect() {
  local found
  found=$(stamped || true)
  [ "$found" = "$1" ] || fail "$found groups are stamped, not $1"
}
seconds() { python3 -c 'import sys; print(f"{float(sys.argv[2]) - float(sys.argv[1]):.4f}")' "$1" "$2"; }

# The domain comes stamped.
[ "$(stamped || true)" = 0 ] || bare delete
expect 0
for ((run = 0; run <= runs; run++)); do
  # The first round fills the server's caches and is not counted.
  if [ "$run" = 0 ]; then note "warming up"; else note "run $run of $runs"; fi
  before=$EPOCHREALTIME
  bare add
  after=$EPOCHREALTIME
  expect "$groups"
  bare delete
  rm -rf "$work/store"
  "$stamper" --config "$work/stamp.toml" --plan reports/example/plan.json --base "$base" --store "$work/store" \
    >"$work/stamper.json" || fail "the stamper failed"
  expect "$groups"
  bare delete
  [ "$run" = 0 ] || printf '%s\t%s\n' "$(seconds "$before" "$after")" "$(cat "$work/stamper.json")" >>"$work/samples.tsv"
done
stop_samba

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
report=$(python3 - "$work/samples.tsv" "$runs" "$commit" "$connections" "$(uptime)" <<'PYTHON'
import json, os, statistics, sys
samples, runs, commit, connections, load = sys.argv[1:]
rows = [line.rstrip("\n").split("\t") for line in open(samples)]
bare = [float(r[0]) for r in rows]
ours = [json.loads(r[1]) for r in rows]
stamps = [o["stampSeconds"] for o in ours]
snapshots = [o["snapshotSeconds"] for o in ours]
groups = ours[0]["groups"]
assert all(o["written"] == o["groups"] == groups for o in ours)
median = statistics.median
print(f"Medians of {runs} run(s), in turns, after one that is not counted; {groups} groups, {connections} connections, "
      f"{os.cpu_count()} cores, the server on the same machine, its load "
      f"{load.rsplit('load average: ')[-1].split(',')[0]} at the end; commit {commit}.")
print()
print("| measurement | time (least) | a second | ratio (least) |")
print("|---|---|---|---|")
print(f"| `ldapmodify`, the bare writes | {median(bare):.2f} s ({min(bare):.2f}) | {groups / median(bare):,.0f} | |")
print(f"| stamping: journal, guarded write, read back | {median(stamps):.2f} s ({min(stamps):.2f}) | "
      f"{groups / median(stamps):,.0f} | {median(stamps) / median(bare):.2f} ({min(stamps) / min(bare):.2f}) |")
print(f"| snapshots before it, apart | {median(snapshots):.2f} s ({min(snapshots):.2f}) | "
      f"{groups / median(snapshots):,.0f} | |")
PYTHON
)
printf '%s\n' "$report"
[ -z "$out" ] || printf '%s\n\n' "$report" >>"$out"
