# cargo, of this repository and with what is built of it already. Begins with three lines that set root, target and cargo.
subcommand=$1
shift
export CARGO_TARGET_DIR="$target"
# What is installed is no part of the machine.
export CARGO_INSTALL_ROOT="$target/tools"
PATH="$target/tools/bin:$(dirname "$cargo"):$PATH"
# In short: mutants are named, of inputs only those that are kept are tried, and fuzzers and benchmarks are not optimised.
case "$subcommand${SQLMIG_TRY:+ in short}" in
'bench in short') set -- --profile dev "$@" ;;
'fuzz in short')
    verb=$1
    shift
    set -- "$verb" --dev "$@" -runs=0
    ;;
'mutants in short') set -- --list "$@" ;;
esac
case "$subcommand" in
fuzz | mutants) cd "$root" || exit ;;
install) ;;
*) set -- --manifest-path "$root/Cargo.toml" "$@" ;;
esac
exec "$cargo" "$subcommand" "$@"
