#include "endpoint.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { HOST_BYTES = 64 };

static bool port_valid(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == '\0' && text[0] != '0' && atoi(text) <= 65535;
}

static const char *host_objection(const char *host) {
    struct in_addr address;
    if (strcmp(host, "localhost") == 0) {
        return "the name localhost may resolve to anything; write 127.0.0.1";
    }
    if (strcmp(host, "[::1]") == 0) {
        return NULL;
    }
    if (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127) {
        return NULL;
    }
    return "without keys only this machine may connect: whoever reaches another address could speak for any node; "
           "write tcp://127.0.0.1:PORT, tcp://[::1]:PORT or ipc://PATH";
}

static const char *tcp_objection(const char *address) {
    char host[HOST_BYTES];
    const char *colon = strrchr(address, ':');
    if (colon == NULL || !port_valid(colon + 1)) {
        return "it must end with a colon and a port from 1 to 65535, as in tcp://127.0.0.1:7501";
    }
    size_t length = (size_t)(colon - address);
    if (length >= sizeof host) {
        return "its host is too long; write 127.0.0.1";
    }
    memcpy(host, address, length);
    host[length] = '\0';
    return host_objection(host);
}

static const char *ipc_objection(const char *path) {
    if (path[0] != '/') {
        return "its path must begin with /, as in ipc:///run/tally/ingest";
    }
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return "its path is longer than the 107 bytes that a socket's name may have; choose a shorter one";
    }
    return NULL;
}

const char *endpoint_objection(const char *endpoint) {
    if (strncmp(endpoint, "tcp://", 6) == 0) {
        return tcp_objection(endpoint + 6);
    }
    if (strncmp(endpoint, "ipc://", 6) == 0) {
        return ipc_objection(endpoint + 6);
    }
    return "it must begin with tcp:// or ipc://";
}
