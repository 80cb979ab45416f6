"""What has no place in the hot path, as symbols of the system's libraries. Whoever calls one of them may wait for another
thread, for the kernel or for the disk, or takes time that nobody bounds."""

import re

FAMILIES = [
    ("allocates memory", r"(__libc_)?(malloc|calloc|realloc|reallocarray|free|cfree|memalign|valloc)|posix_memalign"
                         r"|aligned_alloc|_int_(malloc|free|realloc)|strn?dup|getline|getdelim|v?asprintf|open_memstream"),
    ("maps memory", r"mmap(64)?|munmap|mremap|madvise|mprotect|mlock.*|s?brk"),
    ("locks or waits for a thread", r"(__)?pthread_.*|mtx_.*|cnd_.*|call_once|sem_.*|.*futex.*|sched_yield|__lll_.*"
                                    r"|flock.*|lockf"),
    ("sleeps or waits for a descriptor", r"p?poll|p?select|epoll_.*|(clock_)?nanosleep|u?sleep|(sig)?wait.*|pause"),
    ("reads or writes a descriptor", r"(__)?(p?read|p?write)v?(64)?|open(at)?(64)?|close|f?(data)?sync|sync_file_range"
                                     r"|send(to|msg|mmsg|file.*)?|recv(from|msg|mmsg)?|ioctl|fcntl(64)?|eventfd.*|l?stat.*|fstat.*"),
    ("enters the kernel", r"syscall|getrandom|getpid|gettid|kill|raise"),
    ("formats or prints", r".*printf(_chk)?|f?puts?|f?putc(har)?|fwrite|fread|fopen.*|fclose|fflush|perror|strerror.*"
                          r"|psignal|syslog|.*scanf"),
    ("depends on the locale", r"strto.*|ato[ifl].*|strcoll.*|strxfrm.*|setlocale|localeconv|iconv.*|.*toupper.*"
                              r"|.*tolower.*|is(alpha|alnum|digit|space|upper|lower|print|punct).*|__ctype_.*|mbr?to.*|wc.*"),
    ("reads a clock", r"clock_get.*|gettimeofday|time|localtime.*|gmtime.*|mktime"),
    ("uses ZeroMQ or LMDB, which do all of that", r"zmq_.*|mdb_.*"),
]

_PATTERNS = [(what, re.compile(r"(?:%s)\Z" % names)) for what, names in FAMILIES]


def plain(symbol):
    """A symbol without its version, such as memcpy@GLIBC_2.2.5."""
    return symbol.split("@")[0]


def why(symbol):
    """What is wrong with calling it; None if nothing is known against it."""
    name = plain(symbol)
    return next((what for what, pattern in _PATTERNS if pattern.match(name)), None)
