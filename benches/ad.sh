#!/usr/bin/env bash
# Measures the live reading of Active Directory beside ldapsearch in the same run, and prints Markdown tables of medians
# and ratios. benches/README.md says what each row means.
#
#   benches/ad.sh [options]
#     --only samba|slapd    one of the two parts
#     --runs N              how often each measurement runs; medians are printed (default 7)
#     --users N, --groups N, --members N
#                           the Samba part: 5000 users, 2000 groups of 50 members
#     --slapd-groups N, --slapd-memberships N, --slapd-users N
#                           the slapd part: 100000 groups, 5200000 memberships in Entra (5.1 million in AD), 200000 users
#     --connections N       [ad] connections of groupshift (default: its own)
#     --address A           loopback address of the servers (default 127.0.0.101)
#     --binary FILE, --reader FILE
#                           measure this groupshift, this ad-reader, instead of building them
#     --rusthound FILE, --ldapdomaindump FILE
#                           quote these collectors of others on the same Samba as well
#     --out FILE            append the tables to this file as well
#     --keep                keep the last bundle and the samples
#
# Both servers are filled once and kept under target/bench (slapd: 2 GB). samba, ldb-tools, slapd, ldap-utils, openssl
# and python3 are needed, and the right to listen on ports below 1024. A part whose server is missing is named and left
# out.
set -euo pipefail

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
only='' runs=7 users=5000 groups=2000 members=50 connections='' address=127.0.0.101 binary='' reader=''
slapd_groups=100000 slapd_memberships=5200000 slapd_users=200000 rusthound='' ldapdomaindump='' out='' keep=''
export GROUPSHIFT_AD_PASSWORD=Lab-Passw0rd-1

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }
fail() { printf 'ad.sh: %s\n' "$*" >&2; exit 1; }
bad_usage() { printf 'ad.sh: %s\n' "$*" >&2; exit 2; }
note() { printf '%s\n' "$*" >&2; }
is_number() { [[ $1 =~ ^[1-9][0-9]*$ ]]; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --keep) keep=yes; shift; continue ;;
    --only | --runs | --users | --groups | --members | --slapd-groups | --slapd-memberships | --slapd-users | \
      --connections | --address | --binary | --reader | --rusthound | --ldapdomaindump | --out)
      [ $# -ge 2 ] || bad_usage "$1 needs a value"
      name=${1#--}
      declare "${name//-/_}=$2"
      shift 2
      ;;
    *) bad_usage "unknown option $1; --help lists them" ;;
  esac
done
case $only in '' | samba | slapd) ;; *) bad_usage "--only is samba or slapd" ;; esac
for value in "$runs" "$users" "$groups" "$members" "$slapd_groups" "$slapd_memberships" "$slapd_users" \
  ${connections:+"$connections"}; do
  is_number "$value" || bad_usage "\"$value\" is not a whole number above 0"
done
# Sizes that a domain controller takes, and a number of members that there are users for.
[ "$members" -le "$users" ] || bad_usage "--members is more than --users"

PATH=$PATH:/usr/sbin:/sbin
there() {
  local missing=''
  for tool in "$@"; do command -v "$tool" >/dev/null || missing="$missing $tool"; done
  [ -z "$missing" ] || { note "left out: the $part part (missing:$missing)"; return 1; }
}
wants() {
  part=$1
  shift
  [ -z "$only" ] || [ "$only" = "$part" ] || return 1
  there "$@"
}
for tool in python3 ldapsearch openssl; do command -v "$tool" >/dev/null || fail "$tool is needed"; done
with_samba='' with_slapd=''
wants samba samba samba-tool ldbadd && with_samba=yes
wants slapd slapd slapadd && with_slapd=yes
[ -n "$with_samba$with_slapd" ] || fail "nothing is left to measure"

# --- what is measured -----------------------------------------------------------------------------------------------

if [ -z "$binary" ]; then
  note "building (release)"
  cargo build --release --locked --quiet --bin groupshift
  binary=$target/release/groupshift
fi
if [ -z "$reader" ]; then
  cargo build --release --locked --quiet --example ad-reader
  reader=$target/release/examples/ad-reader
fi
[ -x "$binary" ] || fail "$binary is no program"
[ -x "$reader" ] || fail "$reader is no program"
binary=$(realpath "$binary") reader=$(realpath "$reader")

mkdir -p "$target/bench"
bench=$(realpath "$target/bench")
work=$(mktemp -d "$bench/run.XXXXXX")
server=''
# shellcheck source=benches/samba.sh
. benches/samba.sh
cleanup() {
  stop_server
  if [ -n "$keep" ]; then note "kept: $work"; else rm -rf "$work"; fi
}
trap cleanup EXIT

# configuration FILE URL USER CA_FILE [GLOBAL_CATALOG_URL]
configuration() {
  printf '[ad]\nurl = "%s"\nuser = "%s"\nca_file = "%s"\n' "$2" "$3" "$4" >"$1"
  [ -z "${5:-}" ] || printf 'global_catalog_url = "%s"\n' "$5" >>"$1"
  [ -z "$connections" ] || printf 'connections = %s\n' "$connections" >>"$1"
}

# --- one measurement ------------------------------------------------------------------------------------------------

# measure NAME COMMAND…: runs it; seconds, peak kilobytes and CPU seconds of the client go to the samples. What it
# prints is thrown away, as ldapsearch's is; the reader's summary is kept.
measure() {
  local name=$1
  shift
  python3 - "$work/samples.tsv" "$work/$name.out" "$name" "$@" <<'PYTHON'
import resource, subprocess, sys, time
samples, printed, name, command = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
with open(printed if name.endswith("reader") else "/dev/null", "wb") as output:
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE)
    seconds = time.monotonic() - start
if done.returncode != 0:
    sys.stderr.buffer.write(done.stderr)
    sys.exit(f"ad.sh: {name}: {command[0]} ended with {done.returncode}")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(samples, "a") as file:
    file.write(f"{name}\t{seconds:.4f}\t{used.ru_maxrss}\t{used.ru_utime + used.ru_stime:.4f}\n")
PYTHON
}

# What the reader asks for, as it stands in src/collect/live/ad/names.rs.
group_filter='(objectCategory=group)'
group_attributes=(member objectClass objectGUID objectSid sAMAccountName groupType adminDescription
  msDS-ExternalDirectoryObjectId displayName description mail proxyAddresses adminCount msDS-ObjectSoa whenChanged
  memberOf uSNChanged)
principal_filter='(|(objectCategory=person)(objectCategory=computer)(objectCategory=foreignSecurityPrincipal)(objectCategory=msDS-ManagedServiceAccount)(objectCategory=msDS-GroupManagedServiceAccount)(objectCategory=msDS-DelegatedManagedServiceAccount))'
principal_attributes=(objectClass objectGUID objectSid sAMAccountName adminDescription msDS-ExternalDirectoryObjectId)

# ldapsearch_both NAME URL BASE USER CA_FILE [LDAPSEARCH_OPTION…] [-- GROUP_ATTRIBUTE…]: groups, then all others, in pages
# unless `pages` is empty.
pages=(-E pr=1000/noprompt)
ldapsearch_both() {
  local name=$1 url=$2 base=$3 user=$4 ca=$5
  shift 5
  local options=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  local common=(ldapsearch -x -LLL -H "$url" -D "$user" -w "$GROUPSHIFT_AD_PASSWORD" -b "$base" "${pages[@]}")
  printf '%q ' "${common[@]}" "${options[@]}" "$group_filter" "${group_attributes[@]}" "$@" >"$work/$name.sh"
  printf '\n' >>"$work/$name.sh"
  printf '%q ' "${common[@]}" "$principal_filter" "${principal_attributes[@]}" >>"$work/$name.sh"
  LDAPTLS_CACERT=$ca measure "$name" sh -e "$work/$name.sh"
}

# --- a domain controller --------------------------------------------------------------------------------------------

samba_part() {
  local dc base=DC=contoso,DC=test reader_account=reader@contoso.test
  start_samba "$users" "$groups" "$members"
  local url=ldaps://$address ca=$dc/tls/ca.pem
  configuration "$work/samba.toml" "$url" "$reader_account" "$ca" "ldaps://$address:3269"
  # collect NAME [OPTION…]
  collect() {
    local name=$1
    shift
    rm -rf "$work/bundle"
    measure "$name" "$binary" -q --no-progress --config "$work/samba.toml" collect "$@" --out "$work/bundle"
  }
  # SD flags as groupshift sends them: owner, group and DACL.
  local lists=(-E '!1.2.840.113556.1.4.801=::MAMCAQc=' -- nTSecurityDescriptor)
  for ((run = 0; run <= runs; run++)); do
    # The first round fills the server's caches and is not counted.
    if [ "$run" = 0 ]; then note "samba: warming up"; else note "samba: run $run of $runs"; fi
    collect samba-collect
    ldapsearch_both samba-ldapsearch-lists "$url" "$base" "$reader_account" "$ca" "${lists[@]}"
    collect samba-audit --for audit
    pages=()
    ldapsearch_both samba-ldapsearch-unpaged "$url" "$base" "$reader_account" "$ca" "${lists[@]}"
    pages=(-E pr=1000/noprompt)
    measure samba-reader "$reader" --config "$work/samba.toml" --base "$base" --usn 1 --unpaged
    ldapsearch_both samba-ldapsearch "$url" "$base" "$reader_account" "$ca"
    measure samba-paged-reader "$reader" --config "$work/samba.toml" --base "$base" --usn 1
    [ "$run" -gt 0 ] || rm "$work/samples.tsv"
  done
  # Both speak LDAPS without verifying the certificate, sign in with the same account and a simple bind, and end with 0 on
  # some failures: what they left tells.
  other() {
    local name=$1 file=$2
    shift 2
    [ -n "$1" ] || return 0
    rm -rf "$work/other"
    measure "$name" "$@" && compgen -G "$work/other/$file" >/dev/null || fail "$name collected nothing"
  }
  for ((run = 1; run <= (runs > 3 ? 3 : runs); run++)); do
    other rusthound '*_groups.json' "$rusthound" -d contoso.test -i "$address" --ldaps -u "$reader_account" \
      -p "$GROUPSHIFT_AD_PASSWORD" -c DCOnly -o "$work/other"
    other ldapdomaindump domain_groups.json "$ldapdomaindump" -u 'CONTOSO\reader' -p "$GROUPSHIFT_AD_PASSWORD" \
      -at SIMPLE --no-html --no-grep -o "$work/other" "$url"
  done
  stop_samba
}

# --- slapd ----------------------------------------------------------------------------------------------------------

slapd_part() {
  local size=$slapd_groups-$slapd_memberships-$slapd_users base=DC=contoso,DC=com port=10636
  local home=$bench/slapd-$size tenant=$bench/tenant-$size-1 reader_account=cn=reader,DC=contoso,DC=com
  local schemas=/etc/ldap/schema
  certificate "$home/tls"
  if [ ! -f "$home/filled" ]; then
    if [ ! -f "$tenant.json" ]; then
      note "generating $tenant"
      cargo build --release --locked --quiet --example synthetic-tenant
      rm -rf "$tenant" "$tenant.json.part"
      "$target/release/examples/synthetic-tenant" --groups "$slapd_groups" --memberships "$slapd_memberships" \
        --users "$slapd_users" --seed 1 --out "$tenant" >"$tenant.json.part"
      mv "$tenant.json.part" "$tenant.json"
    fi
    note "filling $home"
    rm -rf "$home/config" "$home/data"
    mkdir -p "$home/config" "$home/data"
    python3 benches/ad_directory.py schema "$schemas/msuser.ldif" >"$home/schema.ldif"
    cat >"$home/config.ldif" <<CONFIG
dn: cn=config
objectClass: olcGlobal
cn: config
olcTLSCertificateFile: $home/tls/server.pem
olcTLSCertificateKeyFile: $home/tls/server.key

dn: cn=module{0},cn=config
objectClass: olcModuleList
cn: module{0}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file://$schemas/core.ldif
include: file://$schemas/cosine.ldif
include: file://$schemas/inetorgperson.ldif
include: file://$schemas/nis.ldif
include: file://$home/schema.ldif

dn: olcDatabase={1}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {1}mdb
olcSuffix: $base
olcRootDN: $reader_account
olcRootPW: $GROUPSHIFT_AD_PASSWORD
olcDbDirectory: $home/data
olcDbMaxSize: 17179869184
olcSizeLimit: unlimited
olcDbIndex: objectCategory eq
CONFIG
    slapadd -n 0 -F "$home/config" -l "$home/config.ldif" || fail "slapd's configuration was refused"
    # Without schema checks: entries have what the reader asks for, not all that their classes demand.
    python3 benches/ad_directory.py slapd "$tenant/ad" | slapadd -q -s -n 1 -F "$home/config" ||
      fail "slapadd refused the entries"
    touch "$home/filled"
  fi
  slapd -d 0 -F "$home/config" -h "ldaps://$address:$port/" >"$home/slapd.out" 2>&1 &
  server=$!
  answers "$port" || fail "slapd does not answer: $(tail -3 "$home/slapd.out")"
  local url=ldaps://$address:$port ca=$home/tls/ca.pem
  configuration "$work/slapd.toml" "$url" "$reader_account" "$ca"
  for ((run = 0; run <= runs; run++)); do
    if [ "$run" = 0 ]; then note "slapd: warming up"; else note "slapd: run $run of $runs"; fi
    cp "$work/samples.tsv" "$work/before.tsv" 2>/dev/null || : >"$work/before.tsv"
    measure slapd-reader "$reader" --config "$work/slapd.toml" --base "$base" --usn 1
    ldapsearch_both slapd-ldapsearch "$url" "$base" "$reader_account" "$ca"
    [ "$run" -gt 0 ] || mv "$work/before.tsv" "$work/samples.tsv"
  done
  stop_server
}

[ -z "$with_samba" ] || samba_part
[ -z "$with_slapd" ] || slapd_part

# --- the tables -----------------------------------------------------------------------------------------------------

commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
report=$(python3 - "$work" "$runs" "$commit" "$(uptime)" <<'PYTHON'
import collections, json, os, platform, statistics, sys
work, runs, commit, load = sys.argv[1:]
samples = collections.defaultdict(list)
for line in open(f"{work}/samples.tsv"):
    name, *values = line.rstrip("\n").split("\t")
    samples[name].append([float(v) for v in values])

def median(name, column):
    return statistics.median(s[column] for s in samples[name])

def least(name, column):
    return min(s[column] for s in samples[name])

def summary(name):
    try:
        return json.load(open(f"{work}/{name}.out"))
    except OSError:
        return None

try:
    model = next(l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name"))
except (OSError, StopIteration):
    model = platform.processor() or "unknown processor"
print(f"Medians of {runs} run(s), in turns, after one that is not counted; {os.cpu_count()} cores, {model}, servers on "
      f"the same machine, its load {load.rsplit('load average: ')[-1].split(',')[0]} at the end; commit {commit}.")
print()
for name in ["samba-reader", "slapd-reader"]:
    if read := summary(name):
        print(f"- {name.split('-')[0]}: {read['groups']:,} groups, {read['objects'] - read['groups']:,} other objects, "
              f"{read['memberships']:,} memberships, read in {read['partitions']} partitions.")
print()
print("| measurement | time (least) | client's CPU | peak memory | yardstick | its time (least) | its CPU | ratio of times | of CPU |")
print("|---|---|---|---|---|---|---|---|---|")
rows = [
    ("samba-collect", "Samba: `collect`", "samba-ldapsearch-lists", "`ldapsearch`, access lists too"),
    ("samba-collect", "Samba: `collect`", "samba-ldapsearch", "`ldapsearch`, no access lists"),
    ("samba-collect", "Samba: `collect`", "samba-ldapsearch-unpaged", "`ldapsearch` without pages, access lists too"),
    ("samba-audit", "Samba: `collect --for audit`", "samba-collect", "`collect`"),
    ("samba-reader", "Samba: the reader alone", "samba-ldapsearch", "`ldapsearch`, no access lists"),
    ("samba-paged-reader", "Samba: the reader alone, in pages", "samba-ldapsearch", "`ldapsearch`, no access lists"),
    ("slapd-reader", "slapd: the reader alone", "slapd-ldapsearch", "`ldapsearch`"),
    ("rusthound", "Samba: RustHound-CE, `DCOnly`", None, ""),
    ("ldapdomaindump", "Samba: ldapdomaindump", None, ""),
]
for name, title, yardstick, its_title in rows:
    if name not in samples:
        continue
    row = [title, f"{median(name, 0):.2f} s ({least(name, 0):.2f})", f"{median(name, 2):.2f} s",
           f"{median(name, 1) / 1024:,.0f} MB"]
    if yardstick:
        row += [its_title, f"{median(yardstick, 0):.2f} s ({least(yardstick, 0):.2f})", f"{median(yardstick, 2):.2f} s",
                f"{median(name, 0) / median(yardstick, 0):.2f}", f"{median(name, 2) / median(yardstick, 2):.2f}"]
    else:
        row += [""] * 5
    print("| " + " | ".join(row) + " |")
if read := summary("slapd-reader"):
    peak, allowed = median("slapd-reader", 1) * 1024, 16 * read["memberships"] + 400 * read["objects"]
    print()
    print(f"Memory of the reader alone on slapd: {peak / 1e6:,.0f} MB; 16 bytes a membership and 400 bytes an object are "
          f"{allowed / 1e6:,.0f} MB: {peak / allowed:.2f} of it.")
PYTHON
)
printf '%s\n' "$report"
[ -z "$out" ] || printf '%s\n\n' "$report" >>"$out"
