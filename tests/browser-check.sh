#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The page of btfpack check --html in a real browser: Chromium, driven through
# chromedriver's WebDriver protocol with curl and jq. Made of the small objects and
# kernels of minify. SCREENSHOTS=DIR keeps a picture of each test's last sight.
. "$(dirname "$0")/lib.sh"
data=$TESTS/data/minify

driver_pid=
stop_driver() {
  [ -z "${session:-}" ] || curl -s -m 10 -X DELETE "$session" > /dev/null
  [ -z "$driver_pid" ] || { kill "$driver_pid"; wait "$driver_pid"; } 2> /dev/null || true
}

# start_browser [WIDTH HEIGHT [light|dark]]: an own profile, no other network than loopback.
start_browser() {
  need chromium chromedriver curl jq
  local port
  : > driver.log
  chromedriver --port=0 > driver.log 2>&1 &
  driver_pid=$!
  trap stop_driver EXIT
  for _ in $(seq 100); do
    port=$(sed -n 's/.*started successfully on port \([0-9]*\)\..*/\1/p' driver.log)
    [ -z "$port" ] || break
    sleep 0.1
  done
  [ -n "$port" ] || { cat driver.log; return 1; }
  jq -n --arg dir "--user-data-dir=$PWD/profile" --arg size "--window-size=${1:-1280},${2:-800}" \
    --arg scheme "${3:-light}" '{capabilities: {alwaysMatch: {"goog:loggingPrefs": {browser: "ALL"},
      "goog:chromeOptions": {args: (["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9", $dir, $size]
        + if $scheme == "dark" then ["--force-dark-mode"] else [] end)}}}}' > capabilities
  base=http://127.0.0.1:$port/session
  session=$base/$(curl -s -m 60 --data @capabilities "$base" | tee answer | jq -er .value.sessionId) ||
    { session=; cat answer; return 1; }
}

# ask METHOD PATH [JSON]: the answer's value; an error of the driver fails.
ask() {
  curl -s -m 30 -X "$1" ${3:+--data "$3"} "$session/$2" > answer
  ! jq -e '.value | objects | has("error")' answer > has-error || { jq .value answer; return 1; }
  jq -r .value answer
}
js() { ask POST execute/sync "$(jq -n --arg script "return $1" '{script: $script, args: []}')"; }
element() {
  ask POST element "$(jq -n --arg value "$1" '{using: "css selector", value: $value}')" | jq -r '.[]'
}
click() { ask POST "element/$(element "$1")/click" '{}' > /dev/null; }
write() {
  ask POST "element/$(element "$1")/value" "$(jq -n --arg text "$2" '{text: $text}')" > /dev/null
}
text() { ask GET "element/$(element "$1")/text"; }
same() { [ "$1" = "$2" ] || { echo "expected: $2"; echo "found: $1"; return 1; }; }

rows() { js '[...document.querySelectorAll("tbody tr")].map((r) => r.querySelector("th").innerText).join("|")'; }
columns() { js '[...document.querySelectorAll("thead th[data-key]")].map((h) => h.textContent).join(" ")'; }
# cell KERNEL PROGRAM: a selector.
cell() {
  js "(() => {
    const row = [...document.querySelectorAll('tbody tr')].findIndex((r) => r.querySelector('th').textContent.includes('$1'));
    const column = [...document.querySelectorAll('thead th[data-key]')].findIndex((h) => h.textContent === '$2');
    return 'td[data-r=\"' + row + '\"][data-c=\"' + column + '\"]';
  })()"
}
no_complaints() {
  ask POST se/log '{"type": "browser"}' > log
  same "$(cat log)" "[]"
}
finish_look() {
  [ -z "${SCREENSHOTS:-}" ] || ask GET screenshot | base64 -d > "$SCREENSHOTS/$1.png"
  no_complaints
}

# An archive of two distributions and a file, and the page of two objects on them.
make_page() {
  local name
  for name in good-guards.bpf good-two.bpf kernel-old kernel-new; do
    clang -g -O2 -target bpf -c -o "$name.o" "$data/$name.c"
  done
  for name in kernel-old kernel-new; do
    objcopy -I elf64-little -O binary --only-section .BTF --set-section-flags .BTF=alloc "$name.o" "$name.btf"
  done
  add() {
    "$BTFPACK" add -q --archive archive --distro "$1" --release "$2" --arch "$3" --uname "$4" "$5" > /dev/null
  }
  add acme 1 x86_64 1.0-old kernel-old.btf
  add acme 2 x86_64 2.0-new kernel-new.btf
  add acme 2 x86_64 2.1-new kernel-new.btf
  add zeta 9 aarch64 9.9-old kernel-old.btf
  expect_status 1 "$BTFPACK" check --archive archive --btf kernel-new.o --html page.html \
    good-guards.bpf.o good-two.bpf.o "$@"
}
open_url() { ask POST url "{\"url\": \"file://$PWD/page.html\"}" > /dev/null; }
open_page() {
  make_page
  start_browser "$@"
  open_url
}

shows_matrix() {
  open_page
  rows > got
  grep -q '^acme 3 kernels|' got
  grep -q '1.0-old' got; grep -q '2.1-new' got; grep -q 'kernel-new.o' got
  columns | grep -q '^good-guards .*fatal_condition'
  same "$(js "document.querySelector('$(cell 1.0-old fatal_field)').textContent")" "✕"
  same "$(js "document.querySelector('$(cell 2.0-new fatal_field)').textContent")" ""
  finish_look matrix
}

says_why() {
  local reason
  open_page
  same "$(js 'document.getElementById("panel").hidden')" true
  click "$(cell 1.0-old fatal_field)"
  "$BTFPACK" check --json --archive archive good-guards.bpf.o > all || true
  reason=$(jq -r 'select(.program == "fatal_field" and .kernel.uname == "1.0-old").reason' all)
  [ -n "$reason" ]
  text '#panel' > panel
  grep -qF "$reason." panel
  grep -qF 'acme 1 x86_64 1.0-old' panel
  grep -q 'instruction 0 of tp/fatal_field' panel
  grep -qF 'zeta 9 aarch64 9.9-old' panel # the same reason, elsewhere
  click '#panel .close'
  same "$(js 'document.getElementById("panel").hidden')" true
  finish_look reason
}

folds() {
  open_page
  click 'tr.level0 button'
  rows > got
  lacks 1.0-old got
  grep -q 9.9-old got
  # The folded row speaks for all its kernels.
  click "$(cell acme fatal_field)"
  text '#panel' | grep -q 'on 1 of 3 kernels here'
  click 'thead button'
  [ "$(columns | grep -c fatal_field)" = 0 ]
  click '#unfold'
  rows | grep -q 1.0-old
  columns | grep -q fatal_field
  click '#fold'
  rows | lacks 1.0-old
  finish_look folded
}

searches() {
  open_page
  write '#search' 'new fatal_c'
  rows > got
  grep -q 2.0-new got; ! grep -q old got
  same "$(columns)" "good-guards fatal_condition"
  same "$(js 'location.hash')" '#new%20fatal_c'
  write '#search' ' nowhere'
  text '#nothing' | grep -q 'Nothing matches'
  ask POST refresh '{}' > /dev/null
  same "$(js 'document.getElementById("search").value')" 'new fatal_c nowhere'
  finish_look search
}

filters_verdicts() {
  open_page
  click '#verdicts [data-verdict="1"]'
  columns > got
  grep -q guarded_field got; ! grep -q fatal_field got
  rows | lacks new
  click '#verdicts [data-verdict="1"]'
  columns | grep -q fatal_field
  finish_look filter
}

# By keyboard alone.
takes_keys() {
  open_page
  js 'document.querySelector("td[tabindex=\"0\"]").focus()' > /dev/null
  ask POST actions '{"actions": [{"type": "key", "id": "k", "actions": [
    {"type": "keyDown", "value": "\ue015"}, {"type": "keyUp", "value": "\ue015"},
    {"type": "keyDown", "value": "\ue014"}, {"type": "keyUp", "value": "\ue014"},
    {"type": "keyDown", "value": "\ue007"}, {"type": "keyUp", "value": "\ue007"}]}]}' > /dev/null
  same "$(js 'document.querySelector("td.chosen").dataset.r + " " + document.querySelector("td.chosen").dataset.c')" "1 1"
  text '#panel' | grep -q 'acme 1 x86_64 1.0-old'
  finish_look keys
}

fits_phone() {
  open_page 500 844
  ask POST goog/cdp/execute '{"cmd": "Emulation.setDeviceMetricsOverride",
    "params": {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true}}' > /dev/null
  # Nothing but the matrix itself is wider than the screen.
  same "$(js 'document.documentElement.scrollWidth + " " + innerWidth')" "390 390"
  click "$(cell 1.0-old fatal_field)"
  same "$(js 'Math.round(panel.getBoundingClientRect().bottom) === innerHeight && panel.offsetWidth === 390')" true
  finish_look phone
}

goes_dark() {
  open_page
  js 'getComputedStyle(document.body).backgroundColor' > light
  ask POST goog/cdp/execute '{"cmd": "Emulation.setEmulatedMedia",
    "params": {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}}' > /dev/null
  js 'getComputedStyle(document.body).backgroundColor' > dark
  differ light dark
  click "$(cell 1.0-old fatal_field)"
  finish_look dark
}

says_which_modules() {
  make_modules
  cp k.btf bare.btf
  expect_status 1 "$BTFPACK" check --btf k.btf --module m1.btf --module m2.btf --btf bare.btf --html page.html \
    modules.bpf.o
  start_browser
  open_url
  click "$(cell k.btf of_event)"
  text '#panel' | grep -q 'needs something of the modules m1 m2'
  click "$(cell k.btf of_m1)"
  text '#panel' | grep -q 'needs something of the module m1'
  click "$(cell bare.btf of_event)"
  text '#panel' | lacks 'needs something'
  finish_look modules
}

# What names say is text to the page, whatever it looks like.
survives_names() {
  local odd=$'</script><script>alert(1)<!--&\xff.bpf.o'
  make_page
  mkdir '<'
  cp good-guards.bpf.o "$odd"
  make_page "$odd"
  same "$(grep -c '^</script>\|[^<]</script>' page.html)" 2
  start_browser
  open_url
  columns | grep -qF 'script><script>alert(1)<!--&?'
  finish_look names
}

run "shows a matrix" shows_matrix
run "says why on a click" says_why
run "folds kernels and programs" folds
run "searches both" searches
run "shows one verdict alone" filters_verdicts
run "is used by keyboard" takes_keys
run "fits a phone" fits_phone
run "goes dark" goes_dark
run "says which modules a program needs" says_which_modules
run "survives odd names" survives_names
finish
