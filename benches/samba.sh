# A Samba domain controller for measurements; sourced by benches/ad.sh and benches/stamp.sh, which set `target`, `bench`,
# `work`, `address` and `server`, and define `fail` and `note`. The domain is filled once and kept under target/bench.
# shellcheck shell=bash disable=SC2154 # set by whoever sources this

stop_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=''
}

# A server certificate for the address: certificate FOLDER.
certificate() {
  local folder=$1
  mkdir -p "$folder"
  [ "$(cat "$folder/address" 2>/dev/null)" != "$address" ] || return 0
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  openssl req -x509 "${key[@]}" -days 3650 -subj '/CN=Measurement authority' -keyout "$folder/ca.key" \
    -out "$folder/ca.pem" 2>/dev/null
  openssl req "${key[@]}" -subj '/CN=server' -keyout "$folder/server.key" -out "$folder/server.csr" 2>/dev/null
  printf 'subjectAltName=IP:%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$address" >"$folder/extensions"
  openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 3650 \
    -extfile "$folder/extensions" -out "$folder/server.pem" 2>/dev/null
  chmod 600 "$folder/server.key"
  echo "$address" >"$folder/address"
}

# answers PORT: waits until the server does.
answers() {
  for ((i = 0; i < 600; i++)); do
    kill -0 "$server" 2>/dev/null || return 1
    if (exec 3<>"/dev/tcp/$address/$1") 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  return 1
}

# start_samba USERS GROUPS MEMBERS: provisions and fills the domain, where that was not done yet, and serves it; `dc` is
# its folder. The caller ends it with stop_samba.
start_samba() {
  local users=$1 groups=$2 members=$3
  dc=$bench/ad-$users-$groups-$members
  if [ ! -f "$dc/filled" ]; then
    note "provisioning and filling $dc"
    rm -rf "$dc"
    mkdir -p "$dc"
    samba-tool domain provision --server-role=dc --dns-backend=NONE --host-ip=127.0.0.2 --host-name=dc1 \
      --realm=CONTOSO.TEST --domain=CONTOSO --adminpass="$GROUPSHIFT_AD_PASSWORD" --targetdir="$dc" \
      --function-level=2016 --option='ad dc functional level = 2016' >"$dc/provision.log" 2>&1 ||
      fail "samba-tool: $(tail -3 "$dc/provision.log")"
    cp "$dc/etc/smb.conf" "$dc/smb.conf.provisioned"
    samba-tool user create reader "$GROUPSHIFT_AD_PASSWORD" -H "$dc/private/sam.ldb" -s "$dc/etc/smb.conf" >/dev/null
    python3 benches/ad_directory.py samba "$users" "$groups" "$members" >"$dc/seed.ldif"
    ldbadd -H "$dc/private/sam.ldb" --configfile="$dc/etc/smb.conf" "$dc/seed.ldif" >"$dc/seed.log" 2>&1 ||
      fail "ldbadd: $(tail -3 "$dc/seed.log")"
    touch "$dc/filled"
  fi
  certificate "$dc/tls"
  mkdir -p "$dc/run/ncalrpc"
  local ours='^\s*(interfaces|bind interfaces only|server services|pid directory|log file|logging|tls |ncalrpc dir)'
  {
    grep -vE "$ours" "$dc/smb.conf.provisioned" | sed '/^\[global\]/q'
    printf '\tinterfaces = %s/8\n\tbind interfaces only = yes\n\tserver services = ldap, cldap, kdc, rpc\n' "$address"
    printf '\tpid directory = %s/run\n\tncalrpc dir = %s/run/ncalrpc\n\tlogging = file\n\tlog file = %s/samba.log\n' \
      "$dc" "$dc" "$dc"
    printf '\ttls certfile = %s/tls/server.pem\n\ttls keyfile = %s/tls/server.key\n\ttls cafile = %s/tls/ca.pem\n' \
      "$dc" "$dc" "$dc"
    grep -vE "$ours" "$dc/smb.conf.provisioned" | sed '1,/^\[global\]/d'
  } >"$dc/etc/smb.conf"
  # Samba in the foreground ends when its standard input does, with all of its processes.
  rm -f "$work/stdin"
  mkfifo "$work/stdin"
  exec 9<>"$work/stdin"
  samba -i -M prefork -s "$dc/etc/smb.conf" <"$work/stdin" >"$dc/samba.out" 2>&1 9>&- &
  server=$!
  answers 636 || fail "samba does not answer: $(tail -3 "$dc/samba.out")"
}

stop_samba() {
  exec 9>&-
  stop_server
}
