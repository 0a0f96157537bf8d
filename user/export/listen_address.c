/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include "../base/units.h"

#define BACKLOG 16

static bool parse_port(const char *text, in_port_t *port)
{
	uint64_t number;

	if (!units_parse_u64(text, &number) || number == 0 || number > UINT16_MAX)
		return false;
	*port = htons((uint16_t)number);
	return true;
}

static bool set_ipv4(struct listen_address *a, const char *host, in_port_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};

	if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return false;
	memcpy(&a->address, &in, sizeof(in));
	a->size = sizeof(in);
	return true;
}

static bool set_ipv6(struct listen_address *a, const char *host, in_port_t port)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = port};

	if (inet_pton(AF_INET6, host, &in.sin6_addr) != 1)
		return false;
	memcpy(&a->address, &in, sizeof(in));
	a->size = sizeof(in);
	return true;
}

bool listen_address_parse(struct listen_address *a, const char *text, const char **reason)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "127.0.0.1";
	size_t length = colon ? (size_t)(colon - text) : 0;
	in_port_t port;

	*a = (struct listen_address){.size = 0};
	*reason = "write a port from 1 to 65535, such as 9464 or 127.0.0.1:9464";
	if (!parse_port(colon ? colon + 1 : text, &port))
		return false;
	*reason = "write the address in numbers, such as 0.0.0.0:9464 or [::1]:9464";
	if (length >= sizeof(host))
		return false;
	if (colon) {
		memcpy(host, text, length);
		host[length] = '\0';
	}
	if (host[0] != '[')
		return set_ipv4(a, host, port);
	if (host[length - 1] != ']')
		return false;
	host[length - 1] = '\0';
	return set_ipv6(a, host + 1, port);
}

int listen_address_open(const struct listen_address *a)
{
	int fd, on = 1, err;

	fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* connections of an earlier run that are still in TIME_WAIT are no obstacle */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a->address, a->size) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}
