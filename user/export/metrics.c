/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clients are strangers. Of a request only the method, the path and whether OpenMetrics is accepted are looked at; nothing in
 * it chooses what is read or written. Connections, their memory and their time are limited, and nobody can make the tracer wait:
 * the two texts are replaced under a lock that is held for a copy.
 */
#include "metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/log.h"
#include "../base/xalloc.h"
#include "listen_address.h"
#include "openmetrics.h"

#define CONNECTIONS	   32u
#define CONNECTION_BYTES   ((size_t)16384)
#define CONNECTION_SECONDS 10u

#define OPEN_TYPE    "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define CLASSIC_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics {
	struct MHD_Daemon *daemon;
	uint64_t top;
	struct openmetrics state;
	pthread_mutex_t lock;	     /* of the next one; held while it is copied or exchanged */
	struct buffer open, classic; /* the answers */
};

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned int status,
				 const char *type, const char *text, size_t size)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(size, (void *)(uintptr_t)text,
								 MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!r)
		return MHD_NO;
	if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
		result = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result send_words(struct MHD_Connection *connection, unsigned int status,
				  const char *words)
{
	return send_text(connection, status, "text/plain; charset=utf-8", words, strlen(words));
}

static enum MHD_Result send_metrics(struct metrics *m, struct MHD_Connection *connection)
{
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	bool open = accept && strstr(accept, "application/openmetrics-text");
	const struct buffer *text = open ? &m->open : &m->classic;
	enum MHD_Result result;

	pthread_mutex_lock(&m->lock);
	result = send_text(connection, MHD_HTTP_OK, open ? OPEN_TYPE : CLASSIC_TYPE, text->data,
			   text->length);
	pthread_mutex_unlock(&m->lock);
	return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **state)
{
	static const char page[] = "<!DOCTYPE html>\n<title>tracer</title>\n"
				   "<p>Allocations of traced processes: <a "
				   "href=\"/metrics\">/metrics</a></p>\n";
	static int seen;

	(void)version;
	(void)data;
	/* the first call is for the head of the request; what follows it is thrown away */
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_words(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				  "Only GET and HEAD are answered.\n");
	if (strcmp(url, "/metrics") == 0)
		return send_metrics(context, connection);
	if (strcmp(url, "/") == 0)
		return send_text(connection, MHD_HTTP_OK, "text/html; charset=utf-8", page,
				 sizeof(page) - 1);
	return send_words(connection, MHD_HTTP_NOT_FOUND,
			  "There is nothing here. The metrics are at /metrics.\n");
}

static struct MHD_Daemon *start(struct metrics *m, int fd)
{
	return MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC, 0, NULL, NULL, answer,
		m, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_END);
}

static bool listen_at(struct metrics *m, const char *address)
{
	struct listen_address a;
	const char *reason;
	int fd;

	if (!listen_address_parse(&a, address, &reason)) {
		log_error("cannot listen at '%s': %s", address, reason);
		return false;
	}
	fd = listen_address_open(&a);
	if (fd < 0) {
		log_error("cannot listen at '%s': %s", address,
			  fd == -EADDRINUSE ? "another program does; choose another port"
					    : strerror(-fd));
		return false;
	}
	m->daemon = start(m, fd);
	if (m->daemon)
		return true;
	log_error("cannot listen at '%s': the server cannot be started", address);
	close(fd);
	return false;
}

struct metrics *metrics_open(const char *address, uint64_t top)
{
	struct metrics *m = xcalloc(1, sizeof(*m));

	m->top = top;
	pthread_mutex_init(&m->lock, NULL);
	openmetrics_write(&m->state, &m->open, NULL, top, false);
	openmetrics_write(&m->state, &m->classic, NULL, top, true);
	if (listen_at(m, address))
		return m;
	metrics_close(m);
	return NULL;
}

void metrics_update(struct metrics *m, const struct export_input *in)
{
	struct buffer open = {0}, classic = {0}, old_open, old_classic;

	openmetrics_write(&m->state, &open, in, m->top, false);
	openmetrics_write(&m->state, &classic, in, m->top, true);
	pthread_mutex_lock(&m->lock);
	old_open = m->open;
	old_classic = m->classic;
	m->open = open;
	m->classic = classic;
	pthread_mutex_unlock(&m->lock);
	buffer_done(&old_open);
	buffer_done(&old_classic);
}

void metrics_prepare(const struct metrics *m, const struct export_input *in)
{
	const struct snapshot_goroutines **rows;
	const struct snapshot_site **sites;
	size_t count = openmetrics_pick(in->snapshot, m->top, &sites), i;

	for (i = 0; i < count; i++)
		in->names(in->context, sites[i]);
	free(sites);
	count = openmetrics_pick_goroutines(in->snapshot, m->top, &rows);
	for (i = 0; i < count; i++)
		in->goroutine_names(in->context, in->snapshot, rows[i]);
	free(rows);
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	if (m->daemon)
		MHD_stop_daemon(m->daemon);
	openmetrics_done(&m->state);
	buffer_done(&m->open);
	buffer_done(&m->classic);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
