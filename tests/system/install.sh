#!/bin/sh
# install.sh SOURCE BUILD COMPILER: installs into a folder of its own, and uses what is there as a stranger would: runs the
# programs, builds docs/example.c with pkg-config and with find_package(tally).
set -eu

source=$1
build=$2
compiler=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}

cmake --install "$build" --prefix "$prefix" >"$folder/install.log" || {
    cat "$folder/install.log" >&2
    exit 1
}

for program in bin/tally sbin/tallyd; do
    "$prefix/$program" --version | grep -Eq "^${program##*/} [0-9]+\.[0-9]+\.[0-9]+" || fail "$program --version"
done
# An installed program finds its library beside itself, or links it in.
env -i "$prefix/bin/tally" help >/dev/null || fail "tally help"
find "$prefix" -name 'tally.1*' | grep -q . || fail "no manual page of tally"
find "$prefix" -path '*bash-completion*' -name tally | grep -q . || fail "no completion"
[ -f "$prefix/include/tally/tally.h" ] || fail "no header"
configuration=$(find "$prefix" -name tallyd.conf | head -n 1)
[ -n "$configuration" ] || fail "no example of a configuration"
"$prefix/sbin/tallyd" --config "$configuration" --check-config >/dev/null || fail "the installed configuration is wrong"

pc=$(dirname "$(find "$prefix" -name tally.pc)")
# shellcheck disable=SC2046
"$compiler" -std=c17 -Wall -Wextra -Werror "$source/docs/example.c" -o "$folder/example" \
    $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs tally) || fail "docs/example.c does not build with pkg-config"

mkdir "$folder/consumer"
cat >"$folder/consumer/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(tally 0.1 REQUIRED)
add_executable(example $source/docs/example.c)
target_link_libraries(example PRIVATE tally::tally)
END
if ! { cmake -G Ninja -S "$folder/consumer" -B "$folder/consumer/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$compiler" && cmake --build "$folder/consumer/build"; } >"$folder/consumer.log" 2>&1; then
    cat "$folder/consumer.log" >&2
    fail "find_package(tally) does not work"
fi
ldd "$folder/consumer/build/example" | grep -q "$prefix.*libtally" || fail "the example does not use the installed library"

cat >"$folder/linkage.c" <<'END'
#include <tally/tally.h>
int main(void) { return tally_version() == 0; }
END
cp "$folder/linkage.c" "$folder/linkage.cpp"
if command -v c++ >/dev/null; then
    # shellcheck disable=SC2046
    c++ -Wall -Wextra -Werror "$folder/linkage.cpp" -o "$folder/linkage" \
        $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs tally) || fail "the header does not serve C++"
fi
lines=$(wc -l <"$source/docs/example.c")
[ "$lines" -le 40 ] || fail "docs/example.c has $lines lines"
