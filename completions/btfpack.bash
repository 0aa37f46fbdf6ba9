# SPDX-License-Identifier: BSD-2-Clause
# Made by scripts/completions from the command table: change that, not this.

_btfpack()
{
  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} options= valued=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "list fetch convert minify check diff header build add import export merge publish pull ls show rm verify gc stats bundle select run gadgets doctor --help --version" -- "$word"))
    return
  fi
  case ${COMP_WORDS[1]} in
    list) options="--distro --release --arch --uname --flavour --latest --mirror --security-mirror --keyring --cache --root --retries --allow-unsigned --client-cert --client-key --ca-file --fallback --at --expired --distros --archive" valued="|--distro|--release|--arch|--uname|--flavour|--latest|--mirror|--security-mirror|--keyring|--cache|--root|--retries|--client-cert|--client-key|--ca-file|--fallback|--at|--distros|--archive|" ;;
    fetch) options="--distro --release --arch --uname --flavour --latest --mirror --security-mirror --keyring --cache --root --retries --allow-unsigned --client-cert --client-key --ca-file --fallback --at --expired --distros --output --keep" valued="|--distro|--release|--arch|--uname|--flavour|--latest|--mirror|--security-mirror|--keyring|--cache|--root|--retries|--client-cert|--client-key|--ca-file|--fallback|--at|--distros|--output|-o|" ;;
    convert) options="--jobs --base --no-funcs --no-enum64 --dwz-file --output" valued="|--jobs|-j|--base|--dwz-file|--output|-o|" ;;
    minify) options="--base --module --keep --keep-func --report --allow-missing --no-enum64 --kernels --jobs --output" valued="|--base|--module|--keep|--keep-func|--kernels|--jobs|-j|--output|-o|" ;;
    check) options="--distro --release --arch --uname --archive --btf --module --kernel --optional --require --html --jobs" valued="|--distro|--release|--arch|--uname|--archive|--btf|--module|--kernel|--optional|--require|--html|--jobs|-j|" ;;
    diff) options="--kind --name --base --base-b --ignore-enum64 --ignore-spelling --dimensions --offsets --summary" valued="|--kind|-k|--name|-n|--base|-B|--base-b|" ;;
    header) options="--output" valued="|--output|-o|" ;;
    build) options="--distro --release --arch --uname --flavour --latest --mirror --security-mirror --keyring --cache --root --retries --allow-unsigned --client-cert --client-key --ca-file --fallback --at --expired --distros --archive --jobs --dry-run --keep --shard --status --memory --skip-btf --with-btf --retry --downloads --partial --modules" valued="|--distro|--release|--arch|--uname|--flavour|--latest|--mirror|--security-mirror|--keyring|--cache|--root|--retries|--client-cert|--client-key|--ca-file|--fallback|--at|--distros|--archive|--jobs|-j|--shard|--memory|--downloads|" ;;
    add) options="--distro --release --arch --uname --build-id --archive --set --force --modules" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|--modules|" ;;
    import) options="--distro --release --arch --archive --set --force" valued="|--distro|--release|--arch|--archive|--set|" ;;
    export) options="--distro --release --arch --uname --build-id --archive --set --format --output" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|--format|--output|-o|" ;;
    merge) options="--archive --recode" valued="|--archive|" ;;
    publish) options="--distro --release --arch --uname --build-id --archive --set --endpoint --region --cache --retries --bundle --name --alone --prune --grace --force" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|--endpoint|--region|--cache|--retries|--bundle|--name|--grace|" ;;
    pull) options="--distro --release --arch --uname --build-id --archive --set --endpoint --region --cache --retries --bundle --output" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|--endpoint|--region|--cache|--retries|--bundle|--output|-o|" ;;
    ls) options="--distro --release --arch --uname --build-id --archive --set --failed" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|" ;;
    show) options="--distro --release --arch --uname --build-id --archive --set --module --output" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|--module|--output|-o|" ;;
    rm) options="--distro --release --arch --uname --build-id --archive --set" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|" ;;
    verify) options="--archive" valued="|--archive|" ;;
    gc) options="--archive" valued="|--archive|" ;;
    stats) options="--distro --release --arch --uname --build-id --archive --set --series --measure --html" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|--html|" ;;
    bundle) options="--distro --release --arch --uname --build-id --archive --set --emit --plain --no-provenance --build-id-bytes --no-enum64 --sign --output" valued="|--distro|--release|--arch|--uname|--build-id|--archive|--set|--emit|--build-id-bytes|--sign|--output|-o|" ;;
    select) options="--bundle --root --distro --release --arch --uname --build-id --explain --nearest --verify --output" valued="|--bundle|-b|--root|--distro|--release|--arch|--uname|--build-id|--verify|--output|-o|" ;;
    run) options="--bundle --btf --time --timestamp --print-uid --columns --timeout --max-events --interval --event-type --dump-maps --buffer" valued="|--bundle|-b|--btf|--columns|--timeout|-d|--max-events|--interval|-i|--event-type|--buffer|" ;;
    gadgets) options="" valued="|" ;;
    doctor) options="--bundle --root" valued="|--bundle|-b|--root|" ;;
  esac
  case $valued in *"|$last|"*) return ;; esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options --json --quiet --verbose --help" -- "$word")) ;;
  esac
}
complete -o default -F _btfpack btfpack
