#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What users can call is written down: every function of the public headers, every command and
# every option of it. Lists all that is missing.
. "$(dirname "$0")/lib.sh"

complain() { echo "$*"; complaints=1; }

# Lines "FILE NAME" of functions whose declaration has no comment right above it; one that
# follows another directly shares its comment.
undocumented() {
  awk '
    FNR == 1 { covered = 0; inside = 0 }
    /^\/\*/ { covered = 1; inside = 1 }
    inside { if (/\*\//) inside = 0; next }
    /^$/ { covered = 0; next }
    /^[a-z].*[ *](btfpack_[a-z0-9_]+)\(/ && !/^(typedef|static|return)/ {
      match($0, /btfpack_[a-z0-9_]+\(/)
      if (!covered)
        print FILENAME, substr($0, RSTART, RLENGTH - 1)
    }' "$@"
}

functions_are_documented() {
  local file name complaints=
  while read -r file name; do
    complain "$file: $name() has no comment"
  done < <(undocumented "$ROOT"/include/btfpack/*.h)
  for file in "$ROOT"/include/btfpack/*.h; do
    sed -n 2p "$file" | grep -q '^/\*' || complain "$file does not open with what it is"
  done
  [ -z "$complaints" ]
}

# The page as text, with its formatting away.
page_text() {
  sed -E 's/\\-/-/g; s/\\f[BIRP]//g; s/\\&//g; s/\\\(en/-/g' "$1"
}

commands_have_pages() {
  local kind name page complaints= arguments summary short long argument help
  while IFS=$'\t' read -r kind name arguments summary; do
    [ "$kind" = command ] || continue
    page=$ROOT/man/btfpack-$name.1
    if [ ! -e "$page" ]; then
      complain "man/btfpack-$name.1 is missing"
      continue
    fi
    page_text "$page" | grep -qF -- "btfpack-$name - $summary" ||
      complain "man/btfpack-$name.1: its NAME is not 'btfpack-$name - $summary'"
  done < <("$BTFPACK" help --table | sed 's,\t\t,\t-\t,') # read drops empty fields
  [ -z "$complaints" ]
}

overview_names_commands() {
  local kind name arguments summary complaints=
  page_text "$ROOT/man/btfpack.1" > page
  while IFS=$'\t' read -r kind name arguments summary; do
    [ "$kind" = command ] || continue
    grep -xF -A 1 ".BR btfpack-$name (1)" page | grep -qxF -- "$summary" ||
      complain "man/btfpack.1: no btfpack-$name (1) with '$summary'"
  done < <("$BTFPACK" help --table | sed 's,\t\t,\t-\t,') # read drops empty fields
  [ -z "$complaints" ]
}

options_are_in_the_pages() {
  local kind name short long argument help page complaints=
  while IFS=$'\t' read -r kind name short long argument help; do
    [ "$kind" = option ] || continue
    page=$ROOT/man/btfpack-$name.1
    [ -e "$page" ] || continue
    page_text "$page" | grep -qE -- "--$long\b" || complain "man/btfpack-$name.1: no --$long"
    [ "$short" = - ] || page_text "$page" | grep -qE -- "-$short\b" ||
      complain "man/btfpack-$name.1: no -$short"
  done < <("$BTFPACK" help --table)
  [ -z "$complaints" ]
}

# The other way round: a page has no option that the command lacks.
pages_have_no_other_options() {
  local page name option complaints=
  "$BTFPACK" help --table > table
  for page in "$ROOT"/man/btfpack-*.1; do
    name=$(basename "$page" .1)
    name=${name#btfpack-}
    grep -q "^command	$name	" table || { complain "$page: no command $name"; continue; }
    for option in $(page_text "$page" | sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' |
      grep -E '^\.(B|BI|BR|IP|TP) ' | grep -oE -- '--[a-z0-9-]+' | sort -u); do
      grep -q "^option	$name	.	${option#--}	" table && continue
      case $option in --json | --quiet | --verbose | --help) continue ;; esac
      complain "$page: $option is no option of $name"
    done
  done
  [ -z "$complaints" ]
}

pages_are_clean() {
  local page complaints=
  need man
  for page in "$ROOT"/man/*.[135]; do
    MANROFFSEQ= man --warnings -E UTF-8 -l "$page" 2> warnings > /dev/null || true
    [ ! -s warnings ] || complain "$page: $(head -n 3 warnings)"
  done
  [ -z "$complaints" ]
}

completions_are_current() {
  "$ROOT/scripts/completions" "$BTFPACK" .
  for file in btfpack.bash _btfpack btfpack.fish; do
    cmp "$file" "$ROOT/completions/$file" || {
      echo "run scripts/completions to bring completions/ up to date"
      return 1
    }
  done
  bash -n btfpack.bash
}

completes_in_bash() {
  . "$ROOT/completions/btfpack.bash"
  COMP_WORDS=(btfpack dif) COMP_CWORD=1
  _btfpack
  [ "${COMPREPLY[*]}" = diff ]
  COMP_WORDS=(btfpack diff --su) COMP_CWORD=2
  _btfpack
  [ "${COMPREPLY[*]}" = --summary ]
}

run "every public function has its comment" functions_are_documented
run "every command has its page" commands_have_pages
run "the overview names every command" overview_names_commands
run "every option is in its page" options_are_in_the_pages
run "no page has an option that is not there" pages_have_no_other_options
run "man reads the pages without warnings" pages_are_clean
run "completions are those of the commands" completions_are_current
run "bash completes commands and options" completes_in_bash
finish
