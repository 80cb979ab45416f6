# Shared by the scripts beside it: the list of Debian packages, headings, and how a preset is built.
# Source it from bash with set -euo pipefail.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/log

# What each purpose needs beyond the one before it.
packages_build=(gcc libc6-dev cmake ninja-build pkgconf libzmq3-dev liblmdb-dev libprotobuf-c-dev protobuf-c-compiler
    libxxhash-dev libconfuse-dev libjansson-dev)
packages_test=(libcriterion-dev protobuf-compiler python3 python3-zmq python3-protobuf python3-matplotlib clang
    clang-format tmux valgrind)
packages_check=(clang-tidy cppcheck shellcheck)
# For the benchmarks: what Tally is compared with, and plots.
packages_bench=(postgresql-15 libpq-dev redis-tools libhiredis-dev python3 python3-matplotlib)

step() {
    printf '\n== %s\n' "$*" >&2
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

usage_error() {
    printf "%s: %s\nTry '%s --help'.\n" "$(basename "$0")" "$1" "$0" >&2
    exit 64
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        die "not root, and there is no sudo; as root, run: $*"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# need PACKAGE...: installs those that are missing. Elsewhere than on Debian it leaves them to the reader: the build says
# what it lacks.
need() {
    local missing=() package
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
    for package in "$@"; do
        [[ $(dpkg-query --show --showformat '${db:Status-Abbrev}' "$package" 2>/dev/null) == ?i* ]] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    step "install packages: ${missing[*]}"
    mkdir -p "$logs"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
    quietly packages as_root "${apt[@]}" update
    quietly packages as_root "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

# quietly NAME COMMAND...: keeps what the command says in build/log/NAME.log, and shows its end only on failure.
quietly() {
    local log=$logs/$1.log
    shift
    mkdir -p "$logs"
    "$@" >"$log" 2>&1 && return
    tail -n 60 "$log" >&2
    printf '%s: failed: %s; all of it is in %s\n' "$(basename "$0")" "$1" "${log#"$root"/}" >&2
    return 1
}

# build PRESET TARGETS [CMAKE-OPTION...]: configures into build/PRESET and builds these targets, such as "all". Two at once in
# one folder wait for each other.
build() {
    local preset=$1 targets
    read -r -a targets <<<"$2"
    shift 2
    mkdir -p "$root/build"
    (
        flock 9
        quietly "configure-$preset" cmake -S "$root" --preset "$preset" "$@" &&
            quietly "build-$preset" cmake --build "$root/build/$preset" --parallel "$(nproc)" --target "${targets[@]}" \
                -- --quiet
    ) 9>"$root/build/$preset.lock"
}
