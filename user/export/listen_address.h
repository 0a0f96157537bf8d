/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a server listens: [ADDR:]PORT with a numeric address, an IPv6 one in brackets; 127.0.0.1 when none is given. */
#ifndef EXPORT_LISTEN_ADDRESS_H
#define EXPORT_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct listen_address {
	struct sockaddr_storage address;
	socklen_t size;
};

/* False with a reason (static) when it is none. */
bool listen_address_parse(struct listen_address *a, const char *text, const char **reason);
/* A listening TCP socket, or -errno. */
int listen_address_open(const struct listen_address *a);

#endif /* EXPORT_LISTEN_ADDRESS_H */
