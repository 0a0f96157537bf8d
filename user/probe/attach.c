// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module's plans become one list of places (offset in file, cookie, side), and the list becomes
 * links: two for a whole module with sessions and with uprobe_multi, one for each place with perf
 * events.
 */
#include "attach.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/xalloc.h"
#include "link.h"
#include "places.h"

#define CLOSE_THREADS 8

struct module_links {
	dev_t device;
	ino_t inode;
	char path[64]; /* to open it through the process it was planned for */
	struct places places;
	int *fds;
	size_t fd_count;
};

struct attachment {
	struct loader *loader;
	enum probe_method method; /* detaching must not need the loader: it may outlive it */
	pid_t pid;
	struct module_links *modules;
	size_t module_count;
};

struct attachment *attachment_new(struct loader *loader, pid_t pid)
{
	struct attachment *a = xcalloc(1, sizeof(*a));

	a->loader = loader;
	a->method = loader_method(loader);
	a->pid = pid;
	return a;
}

/* What a detaching thread closes: every CLOSE_THREADS-th descriptor. */
struct closer {
	const struct attachment *attachment;
	size_t first;
};

static void *close_some(void *arg)
{
	const struct closer *c = arg;
	size_t m, i, n = 0;

	for (m = 0; m < c->attachment->module_count; m++) {
		const struct module_links *links = &c->attachment->modules[m];

		/* reverse, so that a perf event outlives its link */
		for (i = links->fd_count; i-- > 0;) {
			if (n++ % CLOSE_THREADS == c->first)
				close(links->fds[i]);
		}
	}
	return NULL;
}

static void close_links(const struct attachment *a)
{
	struct closer closers[CLOSE_THREADS];
	pthread_t threads[CLOSE_THREADS];
	bool started[CLOSE_THREADS] = {false};
	bool parallel = a->method == PROBE_PERF;
	size_t i;

	for (i = 0; i < CLOSE_THREADS; i++) {
		closers[i] = (struct closer){.attachment = a, .first = i};
		started[i] =
			parallel && !pthread_create(&threads[i], NULL, close_some, &closers[i]);
		if (!started[i])
			close_some(&closers[i]);
	}
	for (i = 0; i < CLOSE_THREADS; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
	}
}

void attachment_free(struct attachment *a)
{
	size_t i;

	if (!a)
		return;
	close_links(a);
	for (i = 0; i < a->module_count; i++) {
		places_done(&a->modules[i].places);
		free(a->modules[i].fds);
	}
	free(a->modules);
	free(a);
}

bool attachment_has(const struct attachment *a, dev_t device, ino_t inode)
{
	size_t i;

	for (i = 0; i < a->module_count; i++) {
		if (a->modules[i].device == device && a->modules[i].inode == inode)
			return true;
	}
	return false;
}

size_t attachment_module_count(const struct attachment *a)
{
	return a->module_count;
}

size_t attachment_probe_count(const struct attachment *a)
{
	size_t i, n = 0;

	for (i = 0; i < a->module_count; i++)
		n += a->modules[i].places.count;
	return n;
}

static int add_fd(struct module_links *links, int fd)
{
	if (fd < 0)
		return fd;
	links->fds = xrealloc(links->fds, (links->fd_count + 1) * sizeof(*links->fds));
	links->fds[links->fd_count++] = fd;
	return 0;
}

/* What a link has at its places. */
enum link_kind { LINK_ENTRIES, LINK_RETURNS, LINK_BOTH };

static bool belongs(const struct attachment *a, const struct place *place, enum link_kind kind)
{
	if (kind != LINK_ENTRIES)
		return place->returns;
	return a->method != PROBE_SESSION || !place->returns;
}

static int create_link(const struct attachment *a, const char *path, enum link_kind kind,
		       const uint64_t *offsets, const uint64_t *cookies, size_t count)
{
	switch (kind) {
	case LINK_BOTH:
		return link_uprobe_multi(loader_session_program(a->loader), ATTACH_UPROBE_SESSION,
					 path, offsets, cookies, count, 0, a->pid);
	case LINK_RETURNS:
		return link_uprobe_multi(loader_return_program(a->loader), ATTACH_UPROBE_MULTI,
					 path, offsets, cookies, count, LINK_RETURN, a->pid);
	case LINK_ENTRIES: break;
	}
	return link_uprobe_multi(loader_entry_program(a->loader), ATTACH_UPROBE_MULTI, path,
				 offsets, cookies, count, 0, a->pid);
}

static int link_list(struct attachment *a, struct module_links *links, enum link_kind kind)
{
	uint64_t *offsets = xcalloc(links->places.count + 1, sizeof(*offsets));
	uint64_t *cookies = xcalloc(links->places.count + 1, sizeof(*cookies));
	size_t i, n = 0;
	int err = 0;

	for (i = 0; i < links->places.count; i++) {
		if (!belongs(a, &links->places.v[i], kind))
			continue;
		offsets[n] = links->places.v[i].offset;
		cookies[n++] = links->places.v[i].cookie;
	}
	if (n)
		err = add_fd(links, create_link(a, links->path, kind, offsets, cookies, n));
	free(offsets);
	free(cookies);
	return err;
}

static int link_perf(struct attachment *a, struct module_links *links, const struct place *place,
		     bool at_return)
{
	int program =
		at_return ? loader_return_program(a->loader) : loader_entry_program(a->loader);
	int fds[2], err;

	err = link_uprobe_perf(program, links->path, place->offset, place->cookie, at_return,
			       a->pid, fds);
	if (err)
		return err;
	add_fd(links, fds[1]);
	return add_fd(links, fds[0]);
}

/*
 * Return sides first: an entry whose return is not seen would leave a call in flight. With sessions
 * the frees first. Places without a return side never belong to a session: where a second process is traced in the same file, or in
 * a child that has inherited the breakpoints, the kernel takes a session that is meant for another
 * process for one that wants the return, and would hijack the return of a function that throws.
 */
static int link_module(struct attachment *a, struct module_links *links)
{
	size_t i;
	int err = 0;

	switch (a->method) {
	case PROBE_SESSION:
	case PROBE_MULTI:
		err = link_list(a, links, a->method == PROBE_SESSION ? LINK_ENTRIES : LINK_RETURNS);
		return err ? err
			   : link_list(a, links,
				       a->method == PROBE_SESSION ? LINK_BOTH : LINK_ENTRIES);
	case PROBE_PERF: break;
	}
	for (i = 0; !err && i < links->places.count; i++) {
		if (links->places.v[i].returns)
			err = link_perf(a, links, &links->places.v[i], true);
		if (!err)
			err = link_perf(a, links, &links->places.v[i], false);
	}
	return err;
}

static void drop_links(struct module_links *links)
{
	while (links->fd_count)
		close(links->fds[--links->fd_count]);
	free(links->fds);
	places_done(&links->places);
}

bool attachment_is_blind(const struct attachment *a)
{
	size_t m, i, blind = 0, seeing = 0;

	for (m = 0; m < a->module_count; m++) {
		for (i = 0; i < a->modules[m].places.count; i++) {
			const struct place *place = &a->modules[m].places.v[i];

			if (COOKIE_ID(place->cookie) == CALL_ID_MODULES)
				continue;
			blind += place->blind;
			seeing += !place->blind;
		}
	}
	return blind && !seeing;
}

static int attach_module(struct attachment *a, const struct targets *targets,
			 const struct target_module *m, bool known)
{
	struct module_links links = {.device = m->device, .inode = m->inode};
	int err;

	snprintf(links.path, sizeof(links.path), "%s", m->open_path);
	err = places_plan(&links.places, a->loader, a->pid, targets, m, known);
	if (!err)
		err = link_module(a, &links);
	if (err) {
		drop_links(&links);
		if (err != -ESRCH)
			log_error("cannot attach to '%s' in process %d: %s", m->path, (int)a->pid,
				  strerror(-err));
		return err;
	}
	places_find_blind(&links.places, a->pid, m->path, known);
	a->modules = xrealloc(a->modules, (a->module_count + 1) * sizeof(*a->modules));
	a->modules[a->module_count++] = links;
	return 0;
}

int attachment_update(struct attachment *a, const struct targets *targets, bool known)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < targets->module_count; i++) {
		if (!attachment_has(a, targets->modules[i].device, targets->modules[i].inode))
			err = attach_module(a, targets, &targets->modules[i], known);
	}
	return err;
}

int attachment_copy(struct attachment *a, const struct attachment *from)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < from->module_count; i++) {
		const struct module_links *model = &from->modules[i];
		struct module_links links = {.device = model->device, .inode = model->inode};
		const char *rest = strchr(model->path + strlen("/proc/"), '/');

		snprintf(links.path, sizeof(links.path), "/proc/%d%s", (int)a->pid,
			 rest ? rest : "");
		links.places.v = xcalloc(model->places.count + 1, sizeof(*links.places.v));
		memcpy(links.places.v, model->places.v,
		       model->places.count * sizeof(*links.places.v));
		links.places.count = model->places.count;
		err = link_module(a, &links);
		if (err) {
			drop_links(&links);
			break;
		}
		a->modules = xrealloc(a->modules, (a->module_count + 1) * sizeof(*a->modules));
		a->modules[a->module_count++] = links;
	}
	return err;
}

bool attachment_marks(const struct attachment *a, pid_t child)
{
	bool found = false;
	size_t m;

	if (loader_idle_program(a->loader) < 0)
		return false;
	for (m = 0; !found && m < a->module_count; m++)
		found = places_stand(&a->modules[m].places, child);
	return found;
}

void attachment_sweep(const struct attachment *a)
{
	int program = loader_idle_program(a->loader), fd;
	uint64_t *offsets;
	size_t m, i;

	for (m = 0; m < a->module_count; m++) {
		const struct module_links *links = &a->modules[m];

		offsets = xcalloc(links->places.count + 1, sizeof(*offsets));
		for (i = 0; i < links->places.count; i++)
			offsets[i] = links->places.v[i].offset;
		fd = links->places.count
			     ? link_uprobe_multi(program, ATTACH_UPROBE_MULTI, links->path, offsets,
						 NULL, links->places.count, 0, a->pid)
			     : -1;
		if (fd >= 0)
			close(fd);
		free(offsets);
	}
}
