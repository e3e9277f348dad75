#!/usr/bin/env bash
# Measures a live collection of Entra against a generated tenant (40,000 groups, 1,000,000 memberships, 100,000 users) on
# this machine: requests and resource units beside the fewest possible, and the program's CPU time beside that of parsing
# the same bodies with serde_json alone. Prints a Markdown table.
#
#   benches/graph.sh [--profile NAME] [--out FILE]
set -euo pipefail

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
profile=release out=/dev/null
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    --profile) profile=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    *) printf 'graph.sh: unknown option %s\n' "$1" >&2; exit 2 ;;
  esac
done
cargo build --profile "$profile" --bin groupshift --example graph-tenant >&2
folder=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")
work=$(mktemp -d -t groupshift-graph.XXXXXX)
trap 'rm -rf "$work"' EXIT

python3 - "$folder" "$work" <<'PY' | tee "$out"
import json, os, re, resource, subprocess, sys, time
folder, work = sys.argv[1:]
tenant = os.path.join(folder, "examples", "graph-tenant")

def cpu(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - begun, done

# The tenant is a child too, but its time is counted only once it has ended.
server = subprocess.Popen([tenant, "serve", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
config = os.path.join(work, "groupshift.toml")
while not os.path.exists(config):
    if server.poll() is not None:
        sys.exit("the tenant did not start")
    time.sleep(0.1)
time.sleep(0.2)
ours, wall, done = cpu([os.path.join(folder, "groupshift"), "--config", config, "-v", "collect", "--graph-budget", "100",
                        "--out", os.path.join(work, "bundle")])
told = json.loads(server.communicate()[0])
units = int(re.search(r"(\d+) resource units", done.stdout + done.stderr).group(1))
yardstick = min(cpu([tenant, "parse", work])[0] for _ in range(3))
print("| what | measured | yardstick | ratio |")
print("|---|---|---|---|")
print(f"| requests | {told['requests']} | {told['fewestRequests']} at least | {told['requests'] / told['fewestRequests']:.2f} |")
print(f"| resource units | {units} | {told['fewestUnits']} at least | {units / told['fewestUnits']:.2f} |")
print(f"| CPU time, TLS and the bundle included | {ours:.2f} s | {yardstick:.2f} s, serde_json alone | {ours / yardstick:.2f} |")
print(f"\n{told['groups']} groups, {told['memberships']} memberships, {told['users']} users; {told['bytes'] / 1e6:.0f} MB of bodies in {wall:.1f} s.")
PY
