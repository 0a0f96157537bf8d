// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module's plans become one list of places (offset in file, cookie, side), and the list becomes
 * links: two for a whole module with uprobe_multi, up to four with sessions, one for each place with perf
 * events.
 */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/urgent.h"
#include "../base/xalloc.h"
#include "detach.h"
#include "link.h"
#include "places.h"
#include "quiet.h"

struct module_links {
	dev_t device;
	ino_t inode;
	char path[64]; /* to open it through the process it was planned for */
	struct places places;
	int *links;
	size_t link_count;
	int *events; /* perf events that have links */
	size_t event_count;
	int file;	/* the file of `path`, to be linked again; -1: not kept */
	bool stays;	/* has only the dynamic linker's notice, which a pause leaves alone */
	bool looked_at; /* for blind places */
};

struct attachment {
	struct loader *loader;
	enum probe_method method;
	int idle_program; /* its own descriptor: detaching may outlive the loader */
	pid_t pid;
	bool paused;
	struct module_links *modules;
	size_t module_count;
};

struct attachment *attachment_new(struct loader *loader, pid_t pid, bool paused)
{
	struct attachment *a = xcalloc(1, sizeof(*a));

	a->loader = loader;
	a->method = loader_method(loader);
	a->idle_program = fcntl(loader_idle_program(loader), F_DUPFD_CLOEXEC, 0);
	a->pid = pid;
	a->paused = paused;
	return a;
}

static void free_links(struct module_links *links)
{
	if (links->file >= 0)
		close(links->file);
	places_done(&links->places);
	free(links->links);
	free(links->events);
}

static void add_fds(int **to, size_t *count, const int *fds, size_t n)
{
	*to = xrealloc(*to, (*count + n + 1) * sizeof(**to));
	if (n)
		memcpy(*to + *count, fds, n * sizeof(*fds));
	*count += n;
}

/* All descriptors, or those that a pause takes, go to *d. */
static void take_links(struct attachment *a, bool pause, struct detach *d)
{
	size_t i;

	for (i = 0; i < a->module_count; i++) {
		struct module_links *m = &a->modules[i];

		if (pause && m->stays)
			continue;
		add_fds(&d->links, &d->link_count, m->links, m->link_count);
		add_fds(&d->events, &d->event_count, m->events, m->event_count);
		m->link_count = m->event_count = 0;
	}
}

void attachment_detach(struct attachment *a, bool silent)
{
	struct detach d = {.idle_program = a->idle_program, .pid = a->pid, .silent = silent};

	take_links(a, false, &d);
	detach_close(&d);
	free(d.links);
	free(d.events);
}

void attachment_pause(struct attachment *a, struct detach *d)
{
	a->paused = true;
	take_links(a, true, d);
}

void attachment_free(struct attachment *a)
{
	size_t i;

	if (!a)
		return;
	attachment_detach(a, true);
	for (i = 0; i < a->module_count; i++)
		free_links(&a->modules[i]);
	free(a->modules);
	if (a->idle_program >= 0)
		close(a->idle_program);
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

unsigned attachment_free_count(const struct attachment *a)
{
	unsigned found = 0;
	size_t i, j;

	for (i = 0; i < a->module_count; i++) {
		const struct places *places = &a->modules[i].places;

		for (j = 0; j < places->count; j++) {
			if (COOKIE_KIND(places->v[j].cookie) == CALL_FREE)
				break;
		}
		found += j < places->count;
	}
	return found;
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

static int add_link(struct module_links *links, int fd)
{
	if (fd < 0)
		return fd;
	add_fds(&links->links, &links->link_count, &fd, 1);
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

/* That runs there; -1: none. */
static int program_at(const struct attachment *a, const struct place *place, enum link_kind kind)
{
	if (!belongs(a, place, kind))
		return -1;
	switch (kind) {
	case LINK_BOTH: return loader_session_program(a->loader, place->cookie);
	case LINK_RETURNS: return loader_return_program(a->loader);
	case LINK_ENTRIES: break;
	}
	return loader_entry_program(a->loader, place->cookie);
}

static int create_link(const struct attachment *a, const char *path, enum link_kind kind,
		       int program, const uint64_t *offsets, const uint64_t *cookies, size_t count)
{
	return link_uprobe_multi(
		program, kind == LINK_BOTH ? ATTACH_UPROBE_SESSION : ATTACH_UPROBE_MULTI, path,
		offsets, cookies, count, kind == LINK_RETURNS ? LINK_RETURN : 0, a->pid);
}

/* A link for all places where the program of the first of them runs; those are forgotten in programs[]. */
static int link_like(struct attachment *a, struct module_links *links, enum link_kind kind,
		     int *programs, size_t first)
{
	uint64_t *offsets = xcalloc(links->places.count, sizeof(*offsets));
	uint64_t *cookies = xcalloc(links->places.count, sizeof(*cookies));
	int program = programs[first], err;
	size_t i, n = 0;

	for (i = first; i < links->places.count; i++) {
		if (programs[i] != program)
			continue;
		programs[i] = -1;
		offsets[n] = links->places.v[i].offset;
		cookies[n++] = links->places.v[i].cookie;
	}
	err = add_link(links, create_link(a, links->path, kind, program, offsets, cookies, n));
	free(offsets);
	free(cookies);
	return err;
}

static int link_list(struct attachment *a, struct module_links *links, enum link_kind kind)
{
	int *programs = xcalloc(links->places.count + 1, sizeof(*programs)), err = 0;
	size_t i;

	for (i = 0; i < links->places.count; i++)
		programs[i] = program_at(a, &links->places.v[i], kind);
	for (i = 0; !err && i < links->places.count; i++) {
		if (programs[i] >= 0)
			err = link_like(a, links, kind, programs, i);
	}
	free(programs);
	return err;
}

static int link_perf(struct attachment *a, struct module_links *links, const struct place *place,
		     bool at_return)
{
	int program = at_return ? loader_return_program(a->loader)
				: loader_entry_program(a->loader, place->cookie);
	int fds[2], err;

	err = link_uprobe_perf(program, links->path, place->offset, place->cookie, at_return,
			       a->pid, fds);
	if (err)
		return err;
	add_fds(&links->events, &links->event_count, &fds[1], 1);
	return add_link(links, fds[0]);
}

/*
 * Return sides first: an entry whose return is not seen would leave a call in flight. With sessions
 * the frees first. Places without a return side never belong to a session: where a second process is traced in the same file, or in
 * a child that has inherited the breakpoints, the kernel takes a session that is meant for another
 * process for one that wants the return, and would hijack the return of a function that throws.
 */
static int link_places(struct attachment *a, struct module_links *links)
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

/* By its descriptor a file is found again, whatever its process maps by then: for a link after a pause, or for a child. */
static void keep_file(struct module_links *links)
{
	size_t i;

	links->stays = true;
	for (i = 0; i < links->places.count; i++)
		links->stays &= COOKIE_ID(links->places.v[i].cookie) == CALL_ID_MODULES;
	if (links->file < 0)
		links->file = open(links->path, O_PATH | O_CLOEXEC);
	if (links->file >= 0)
		snprintf(links->path, sizeof(links->path), "/proc/self/fd/%d", links->file);
}

/* Threads of the process may be at the places, if they are probed for another one already. */
static int link_module(struct attachment *a, struct module_links *links)
{
	struct urgent urgent;
	int quiet, err;

	if (a->paused && !links->stays)
		return 0;
	urgent_begin(&urgent);
	quiet = quiet_begin(a->idle_program);
	err = link_places(a, links);
	urgent_end(&urgent);
	if (quiet >= 0)
		add_fds(&links->links, &links->link_count, &quiet, 1);
	return err;
}

static void drop_fds(struct module_links *links)
{
	while (links->link_count)
		close(links->links[--links->link_count]);
	while (links->event_count)
		close(links->events[--links->event_count]);
}

static void drop_links(struct module_links *links)
{
	drop_fds(links);
	free_links(links);
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
	struct module_links links = {.device = m->device, .inode = m->inode, .file = -1};
	int err;

	snprintf(links.path, sizeof(links.path), "%s", m->open_path);
	err = places_plan(&links.places, a->loader, a->pid, targets, m, known);
	if (!err) {
		keep_file(&links);
		err = link_module(a, &links);
	}
	if (err) {
		drop_links(&links);
		if (err != -ESRCH)
			log_error("cannot attach to '%s' in process %d: %s", m->path, (int)a->pid,
				  strerror(-err));
		return err;
	}
	links.looked_at = !a->paused || links.stays;
	if (links.looked_at)
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

/* The same file and places, for another process. */
static struct module_links copy_of(const struct module_links *model, pid_t pid)
{
	struct module_links links = {.device = model->device, .inode = model->inode, .file = -1};
	const char *rest = strchr(model->path + strlen("/proc/"), '/');

	snprintf(links.path, sizeof(links.path), "/proc/%d%s", (int)pid, rest ? rest : "");
	if (model->file >= 0)
		links.file = fcntl(model->file, F_DUPFD_CLOEXEC, 0);
	links.places.v = xcalloc(model->places.count + 1, sizeof(*links.places.v));
	memcpy(links.places.v, model->places.v, model->places.count * sizeof(*links.places.v));
	links.places.count = model->places.count;
	links.looked_at = model->looked_at;
	return links;
}

int attachment_copy(struct attachment *a, const struct attachment *from)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < from->module_count; i++) {
		struct module_links links = copy_of(&from->modules[i], a->pid);

		keep_file(&links);
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

int attachment_resume(struct attachment *a)
{
	size_t i;
	int err = 0, first = 0;

	a->paused = false;
	for (i = 0; i < a->module_count; i++) {
		struct module_links *m = &a->modules[i];

		if (m->stays)
			continue;
		err = link_module(a, m);
		if (err) {
			drop_fds(m);
			first = first ? first : err;
			continue;
		}
		if (!m->looked_at)
			places_find_blind(&m->places, a->pid, m->path, true);
		m->looked_at = true;
	}
	return first;
}

bool attachment_marks(const struct attachment *a, pid_t child)
{
	bool found = false;
	size_t m;

	if (a->method == PROBE_PERF)
		return false;
	for (m = 0; !found && m < a->module_count; m++)
		found = places_stand(&a->modules[m].places, child);
	return found;
}

void attachment_sweep(const struct attachment *a)
{
	int fd, quiet;
	struct urgent urgent;
	uint64_t *offsets;
	size_t m, i;

	urgent_begin(&urgent);
	quiet = quiet_begin(a->idle_program);

	for (m = 0; m < a->module_count; m++) {
		const struct module_links *links = &a->modules[m];

		offsets = xcalloc(links->places.count + 1, sizeof(*offsets));
		for (i = 0; i < links->places.count; i++)
			offsets[i] = links->places.v[i].offset;
		fd = links->places.count
			     ? link_uprobe_multi(a->idle_program, ATTACH_UPROBE_MULTI, links->path,
						 offsets, NULL, links->places.count, 0, a->pid)
			     : -1;
		if (fd >= 0)
			close(fd);
		free(offsets);
	}
	urgent_end(&urgent);
	if (quiet >= 0)
		close(quiet);
}
