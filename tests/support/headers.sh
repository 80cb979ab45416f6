#!/bin/sh
# Compiles every header below the given folders by itself: one that needs another must include it.
# Usage: headers.sh COMPILER SOURCE_FOLDER [OPTION...] -- FOLDER...
set -u
compiler=$1
source=$2
shift 2
options=
while [ "$1" != -- ]; do
    options="$options $1"
    shift
done
shift

cd "$source" || exit 1
count=0
failed=0
for header in $(find -L "$@" -name '*.h' | sort); do
    count=$((count + 1))
    # As another file would see it: included, so that what is unused in it is no matter. Twice, for its guard.
    if ! printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        $compiler -std=c17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Werror \
            $options -I. -x c -; then
        echo "does not compile alone: $header"
        failed=$((failed + 1))
    fi
done
echo "$count headers, $failed do not compile alone"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
