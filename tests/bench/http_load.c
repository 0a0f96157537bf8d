/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_load PORT CONNECTIONS SECONDS PATH: each connection to 127.0.0.1 is kept alive and asks again as soon as it has its answer.
 * Answers must have status 200 and a Content-Length. Prints requests, their rate and the latency that 50, 99 and 99.9 %
 * of them do not exceed, in microseconds: "requests N rate N p50 N p99 N p999 N".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define HEAD_MAX	4096
/* Latencies are counted by the microsecond; longer ones as this long. */
#define LATENCY_MAX_US 4000000

struct connection {
	int fd;
	uint64_t asked_ns;
	char head[HEAD_MAX];
	size_t head_length;
	size_t body_left; /* once in_body */
	int in_body;
};

static struct connection connections[CONNECTIONS_MAX];
static uint32_t latencies[LATENCY_MAX_US + 1];
static char request[512];
static uint64_t answered;

static void die(const char *what)
{
	fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void ask(struct connection *c)
{
	size_t length = strlen(request);

	c->head_length = 0;
	c->in_body = 0;
	c->asked_ns = now_ns();
	if (send(c->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
		die("cannot send");
}

static void connect_to(struct connection *c, uint16_t port, int epoll)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("cannot connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("cannot wait");
	ask(c);
}

static void count_answer(struct connection *c)
{
	uint64_t us = (now_ns() - c->asked_ns) / 1000;

	latencies[us < LATENCY_MAX_US ? us : LATENCY_MAX_US]++;
	answered++;
}

/* Whether the head is whole; then the rest of what was read is body. */
static int head_ends(struct connection *c)
{
	static const char field[] = "Content-Length:";
	char *end, *at;

	c->head[c->head_length] = '\0';
	end = strstr(c->head, "\r\n\r\n");
	if (!end)
		return 0;
	at = strcasestr(c->head, field);
	if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0 || !at || at > end) {
		fprintf(stderr, "http_load: not an answer with status 200 and a length: %.80s\n",
			c->head);
		exit(1);
	}
	c->body_left = strtoul(at + sizeof(field) - 1, NULL, 10);
	c->body_left -= c->head_length - (size_t)(end + 4 - c->head);
	c->in_body = 1;
	return 1;
}

/* Returns 1 when the answer is complete. */
static int receive(struct connection *c)
{
	static char body[65536];
	ssize_t n;

	if (!c->in_body) {
		n = recv(c->fd, c->head + c->head_length, HEAD_MAX - 1 - c->head_length, 0);
		if (n <= 0)
			die("no answer");
		c->head_length += (size_t)n;
		return head_ends(c) && c->body_left == 0;
	}
	n = recv(c->fd, body, sizeof(body) < c->body_left ? sizeof(body) : c->body_left, 0);
	if (n <= 0)
		die("no answer");
	c->body_left -= (size_t)n;
	return c->body_left == 0;
}

static void run(int epoll, uint64_t until_ns)
{
	struct epoll_event events[64];

	while (now_ns() < until_ns) {
		int n = epoll_wait(epoll, events, 64, 100);

		for (int i = 0; i < n; i++) {
			if (receive(events[i].data.ptr)) {
				count_answer(events[i].data.ptr);
				ask(events[i].data.ptr);
			}
		}
	}
}

static unsigned int percentile(double share)
{
	uint64_t wanted = (uint64_t)((double)answered * share), seen = 0;

	for (unsigned int us = 0; us <= LATENCY_MAX_US; us++) {
		seen += latencies[us];
		if (seen > wanted)
			return us;
	}
	return LATENCY_MAX_US;
}

int main(int argc, char **argv)
{
	uint64_t begun;
	int epoll, count;
	double seconds;

	if (argc != 5)
		return 2;
	count = atoi(argv[2]);
	seconds = atof(argv[3]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || count < 1 || count > CONNECTIONS_MAX)
		return 2;
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[4]);
	begun = now_ns();
	for (int i = 0; i < count; i++)
		connect_to(&connections[i], (uint16_t)atoi(argv[1]), epoll);
	run(epoll, begun + (uint64_t)(seconds * 1e9));
	seconds = (double)(now_ns() - begun) / 1e9;
	printf("requests %lu rate %.1f p50 %u p99 %u p999 %u\n", answered,
	       (double)answered / seconds, percentile(0.5), percentile(0.99), percentile(0.999));
	return 0;
}
