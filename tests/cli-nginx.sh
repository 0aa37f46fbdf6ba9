#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A server as mirrors really have it: nginx, its listings and its answers to Range, ETag and If-Range.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

# nginx_serves DIR: on a free port of loopback, until the test ends; what was asked is in ./requests
nginx_serves() {
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cat > nginx.conf << END
daemon off;
master_process off;
pid $PWD/nginx.pid;
error_log $PWD/nginx.log;
events { worker_connections 64; }
http {
  log_format asked '\$request_uri \$http_range -> \$status \$body_bytes_sent';
  access_log $PWD/requests asked;
  client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3;
  uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
  server {
    listen 127.0.0.1:$port;
    root $1;
    autoindex on;
    limit_rate_after 100k;
    limit_rate \$limit;
    set \$limit 0;
    if (-f $PWD/slow) { set \$limit 20k; }
  }
}
END
  nginx -p "$PWD" -c "$PWD/nginx.conf" -e "$PWD/nginx.log" &
  server=$!
  trap 'kill $server 2> /dev/null || true' EXIT
  url=http://127.0.0.1:$port
  for _ in $(seq 200); do
    python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2> /dev/null && return
    sleep 0.1
  done
  cat nginx.log; return 1
}

options() {
  echo fetch --distro debian --release 12 --arch amd64 --uname "$KERNEL" -o out.d \
    --mirror "$url/debian" --keyring "$keyring" --fallback none --cache cache --retries 0
}

fetches_and_continues() {
  local deb="linux-image-$KERNEL-dbg_6.1.9-1_amd64.deb" pid kept
  nginx_serves "$mirror"
  touch slow
  "$BTFPACK" $(options) > out 2> err &
  pid=$!
  for _ in $(seq 600); do
    kept=$(stat -c %s cache/files/*.partial 2> /dev/null || echo 0)
    [ "$kept" -gt 50000 ] && break
    sleep 0.05
  done
  kill -TERM $pid
  wait $pid && return 1
  rm slow
  kept=$(stat -c %s cache/files/*.partial)
  [ "$kept" -gt 50000 ]
  [ ! -e out.d/vmlinux-* ]
  expect_status 0 "$BTFPACK" $(options)
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
  grep -q "$deb bytes=$kept- -> 206 $(($(stat -c %s "$mirror/debian/pool/$deb") - kept))" requests
}

lists_directories() {
  mkdir -p www/ol8/debuginfo
  local name
  for name in kernel-uek-debuginfo-5.4.17-2136.301.1.2.el8uek.x86_64 kernel-debuginfo-4.18.0-80.el8.x86_64 \
    kernel-uek-debuginfo-5.4.17-2011.0.7.el8uek.aarch64 libstdc++-debuginfo-8.3.1-5.el8.x86_64 \
    "a name with spaces & <signs>" kernel-uek-debug-debuginfo-5.4.17-2136.301.1.2.el8uek.x86_64; do
    : > "www/ol8/debuginfo/$name.rpm"
  done
  nginx_serves "$PWD/www"
  expect_status 0 "$BTFPACK" list --distro ol --release 8 --mirror "$url" --cache cache --allow-unsigned
  [ "$(awk '{print $4}' out)" = "5.4.17-2011.0.7.el8uek.aarch64
4.18.0-80.el8.x86_64
5.4.17-2136.301.1.2.el8uek.x86_64" ]
}

need nginx
prepare_mirror
run "fetches, and continues where it was stopped" fetches_and_continues
run "lists directories" lists_directories
finish_mirror
finish
