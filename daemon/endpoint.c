#include "endpoint.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { HOST_BYTES = 64 };

static bool port_valid(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == '\0' && text[0] != '0' && atoi(text) <= 65535;
}

/* An address of numbers, which means the same tomorrow; * stands for every address of the machine. */
static const char *address_objection(const char *host) {
    struct in_addr address;
    struct in6_addr address_6;
    char inside[HOST_BYTES];
    size_t length = strlen(host);
    bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    snprintf(inside, sizeof inside, "%.*s", bracketed ? (int)length - 2 : 0, host + 1);
    bool fine = strcmp(host, "*") == 0 || inet_pton(AF_INET, host, &address) == 1 ||
                (bracketed && inet_pton(AF_INET6, inside, &address_6) == 1);
    return fine ? NULL
                : "its host is not an address of this machine in numbers; write one such as tcp://192.0.2.7:PORT, "
                  "tcp://[2001:db8::7]:PORT, or tcp://*:PORT for all of them";
}

static const char *loopback_objection(const char *host) {
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
           "make keys (docs/keys.md) and set key-file, or write tcp://127.0.0.1:PORT, tcp://[::1]:PORT or ipc://PATH";
}

static const char *tcp_objection(const char *address, bool others) {
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
    return others ? address_objection(host) : loopback_objection(host);
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

const char *endpoint_objection(const char *endpoint, bool others) {
    if (strncmp(endpoint, "tcp://", 6) == 0) {
        return tcp_objection(endpoint + 6, others);
    }
    if (strncmp(endpoint, "ipc://", 6) == 0) {
        return ipc_objection(endpoint + 6);
    }
    return "it must begin with tcp:// or ipc://";
}
