#!/usr/bin/env bash
# Measures groupshift on a synthetic tenant, each measurement beside a yardstick in the same run, and prints a Markdown
# table of medians and ratios. benches/README.md says what each row means.
#
#   benches/measure.sh [options]
#     --size NAME        small: 10,000 groups, 500,000 memberships; medium (default): 100,000 groups, 5 million;
#                        large: 1 million groups, 20 million
#     --groups N, --memberships N, --users N
#                        a size of your own; each overrides the one of --size
#     --seed N           another tenant of the same size (default 1)
#     --runs N           how often each measurement runs; medians are printed (default 5)
#     --binary FILE      measure this groupshift instead of building one
#     --out FILE         write the table here as well
#     --keep             keep bundles and reports of the last run
#
# The tenant is generated once a size and seed and kept under target/bench (large: about 5 GB). python3 is needed; GNU
# tools, python3-ldap and zstd where present. A yardstick that is missing is named, and its ratio left out.
set -euo pipefail

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
size=medium groups='' memberships='' users='' seed=1 runs=5 binary='' out='' keep=''

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }
fail() { printf 'measure.sh: %s\n' "$*" >&2; exit 1; }
bad_usage() { printf 'measure.sh: %s\n' "$*" >&2; exit 2; }
note() { printf '%s\n' "$*" >&2; }
is_number() { [[ $1 =~ ^[1-9][0-9]*$ ]]; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --keep) keep=yes; shift; continue ;;
    --size | --groups | --memberships | --users | --seed | --runs | --binary | --out)
      [ $# -ge 2 ] || bad_usage "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    *) bad_usage "unknown option $1; --help lists them" ;;
  esac
done
case $size in
  small) defaults='10000 500000 50000' ;;
  medium) defaults='100000 5000000 200000' ;;
  large) defaults='1000000 20000000 1000000' ;;
  *) bad_usage "--size is small, medium or large" ;;
esac
read -r default_groups default_memberships default_users <<<"$defaults"
groups=${groups:-$default_groups} memberships=${memberships:-$default_memberships} users=${users:-$default_users}
for value in "$groups" "$memberships" "$users" "$seed" "$runs"; do
  is_number "$value" || bad_usage "\"$value\" is not a whole number above 0"
done

command -v python3 >/dev/null || fail "python3 is needed to take the time and to make the table"
# python-ldap comes with the system's Python, which need not be the first in PATH.
system_python=/usr/bin/python3
[ -x "$system_python" ] || system_python=python3
have_ldap=$("$system_python" -c 'import ldif' 2>/dev/null && echo yes || true)
[ -n "$have_ldap" ] || note "left out: python-ldap (apt-get install python3-ldap)"
have_zstd=$(command -v zstd >/dev/null && echo yes || true)
[ -n "$have_zstd" ] || note "left out: zstd (apt-get install zstd)"

# --- what is measured, and the tenant -------------------------------------------------------------------------------

examples=$target/release/examples
note "building (release)"
cargo build --release --locked --quiet --example synthetic-tenant
if [ -z "$binary" ]; then
  cargo build --release --locked --quiet --bin groupshift
  binary=$target/release/groupshift
fi
[ -x "$binary" ] || fail "$binary is no program"
have_loader=''
if [ -f benches/reference_loader.rs ]; then
  cargo build --release --locked --quiet --example reference-loader
  have_loader=yes
else
  note "left out: the reference loader (benches/reference_loader.rs is not there)"
fi

bench=$target/bench
tenant=$bench/tenant-$groups-$memberships-$users-$seed
if [ ! -f "$tenant.json" ]; then
  note "generating $tenant"
  rm -rf "$tenant" "$tenant.json.part"
  mkdir -p "$bench"
  "$examples/synthetic-tenant" --groups "$groups" --memberships "$memberships" --users "$users" --seed "$seed" \
    --out "$tenant" >"$tenant.json.part"
  mv "$tenant.json.part" "$tenant.json"
fi
work=$(mktemp -d "$bench/run.XXXXXX")
if [ -n "$keep" ]; then note "kept: $work"; else trap 'rm -rf "$work"' EXIT; fi
# The AD part alone: what python-ldap reads too.
mkdir "$work/ad-only"
cp -r "$tenant/ad" "$work/ad-only/ad"

# --- one measurement ------------------------------------------------------------------------------------------------

# measure NAME COMMAND…: runs it; seconds and peak kilobytes go to the samples. Its standard output is thrown away. It has
# to end with the code in $expected, or 0.
measure() {
  local name=$1
  shift
  python3 - "$work/samples.tsv" "${expected:-0}" "$name" "$@" <<'PYTHON'
import resource, subprocess, sys, time
samples, expected, name, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
start = time.monotonic()
done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
seconds = time.monotonic() - start
if done.returncode != expected:
    sys.stderr.buffer.write(done.stderr)
    sys.exit(f"measure.sh: {name}: {' '.join(command)} ended with {done.returncode}")
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
with open(samples, "a") as file:
    file.write(f"{name}\t{seconds:.4f}\t{peak}\n")
PYTHON
}

ours=("$binary" -q --no-progress)
collect_ad_only() {
  rm -rf "$work/ad.bundle"
  measure collect-ad "${ours[@]}" collect --offline "$work/ad-only" --out "$work/ad.bundle"
}
python_ldap() { measure python-ldap "$system_python" benches/ldif_yardstick.py "$work"/ad-only/ad/*.ldf; }
collect_all() {
  rm -rf "$work/bundle"
  measure collect "${ours[@]}" collect --offline "$tenant" --out "$work/bundle"
}
assess() { measure assess "${ours[@]}" --format json assess "$work/bundle" --out "$work/reports" --reports none; }
assess_all_reports() {
  rm -rf "$work/reports"
  measure reports "${ours[@]}" --format json assess "$work/bundle" --out "$work/reports"
}
# The synthetic tenant has no Connect server and is larger than a job may be, so that its plan is a draft: exit code 4.
plan() {
  rm -rf "$work/plan"
  expected=4 measure plan "${ours[@]}" --format json plan "$work/bundle" --draft --out "$work/plan/plan.json"
}
reference_loader() { measure reference-loader "$examples/reference-loader" "$work/bundle"; }
# shellcheck disable=SC2016 # the inner shell is the one to expand
zstd_lines() { measure zstd-lines sh -c 'zstd -dcq "$1"/*.zst | wc -l' sh "$work/bundle"; }

# The files once through memory, so that the first run does not pay for the disk.
cat "$tenant"/*/* >/dev/null
for ((run = 1; run <= runs; run++)); do
  note "run $run of $runs"
  collect_ad_only
  [ -z "$have_ldap" ] || python_ldap
  collect_all
  assess
  [ -z "$have_loader" ] || reference_loader
  [ -z "$have_zstd" ] || zstd_lines
  assess_all_reports
  plan
done

# --- the table ------------------------------------------------------------------------------------------------------

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
report=$(python3 - "$work" "$tenant" "$runs" "$commit" <<'PYTHON'
import collections, itertools, json, os, platform, re, statistics, sys
work, tenant, runs, commit = sys.argv[1:]
seconds, peaks = collections.defaultdict(list), collections.defaultdict(list)
for line in open(f"{work}/samples.tsv"):
    name, elapsed, peak = line.rstrip("\n").split("\t")
    seconds[name].append(float(elapsed))
    peaks[name].append(int(peak) / 1024)

def size(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names) / 1e6

summary = json.load(open(f"{tenant}.json"))
memberships = summary["ad"]["memberships"] + summary["entra"]["memberships"]
objects = sum(summary[side][what] for side in ("ad", "entra") for what in ("groups", "users"))
ad, everything, bundle = size(f"{work}/ad-only"), size(tenant), size(f"{work}/bundle")

try:
    model = next(l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name"))
except (OSError, StopIteration):
    model = platform.processor() or "unknown processor"

print(f"{summary['groups']:,} written-back groups, {summary['memberships']:,} memberships, {summary['users']:,} users "
      f"(seed {summary['seed']}); {everything:,.0f} MB of exports, {bundle:,.0f} MB of bundle. Medians of {runs} run(s), "
      f"each beside its yardstick; {os.cpu_count()} cores, {model}; commit {commit}.")
print()
print("| measurement | time | speed | peak memory | yardstick | its time | its peak | ratio |")
print("|---|---|---|---|---|---|---|---|")
for name, title, megabytes, yardstick, its_title in [
    ("collect-ad", "`collect`, AD part alone", ad, "python-ldap", "python-ldap's `LDIFParser`, counting only"),
    ("collect", "`collect`, everything", everything, None, ""),
    ("assess", "`assess --reports none`", bundle, "reference-loader", "reference loader"),
    ("assess", "`assess --reports none`", bundle, "zstd-lines", "`zstd -dc`, `wc -l`"),
    ("reports", "`assess`, all reports", bundle, None, ""),
    ("plan", "`plan`, with its pages", bundle, "reports", "`assess`, all reports"),
    ("plan", "`plan`, with its pages", bundle, "assess", "`assess --reports none`"),
]:
    if name not in seconds or (yardstick and yardstick not in seconds):
        continue
    own, peak = statistics.median(seconds[name]), statistics.median(peaks[name])
    row = [title, f"{own:.2f} s", f"{megabytes / own:,.0f} MB/s", f"{peak:,.0f} MB"]
    if yardstick:
        its, its_peak = statistics.median(seconds[yardstick]), statistics.median(peaks[yardstick])
        ratio = f"{its / own:.1f} times as fast" if its >= own else f"{own / its:.1f} times as long"
        row += [its_title, f"{its:.2f} s", f"{its_peak:,.0f} MB", ratio]
    else:
        row += ["", "", "", ""]
    print("| " + " | ".join(row) + " |")
print()
with open(f"{work}/plan/plan.json") as lines:
    head = dict(re.findall(r'"(assessed|planned|waves)": (\d+)', "".join(itertools.islice(lines, 40))))
print(f"The plan holds {int(head['planned']):,} of {int(head['assessed']):,} groups in {int(head['waves']):,} waves and is "
      f"{size(f'{work}/plan'):,.0f} MB, where the reports of the assessment are {size(f'{work}/reports'):,.0f} MB.")
print()
print("| memory | peak | a membership | an object |")
print("|---|---|---|---|")
for name, title in [("collect", "`collect`"), ("assess", "`assess --reports none`"), ("reports", "`assess`, all reports"), ("plan", "`plan`")]:
    peak = statistics.median(peaks[name]) * 1024 * 1024
    print(f"| {title} | {peak / 1e6:,.0f} MB | {peak / memberships:,.1f} bytes | {peak / objects:,.0f} bytes |")
print()
print(f"Each of the two shares is the whole peak divided: by {memberships:,} memberships, and by {objects:,} objects, of AD "
      "and Entra together.")
PYTHON
)
printf '%s\n' "$report"
[ -z "$out" ] || printf '%s\n' "$report" >"$out"
