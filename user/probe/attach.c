// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module's plans become one list of places (offset in file, cookie, side), and the list becomes
 * links: two for a whole module with sessions and with uprobe_multi, one for each place with perf
 * events.
 *
 * Before a place is used, the process's memory there must be what the file says: a function that
 * was patched in memory (an in-line hook) would be broken by a probe, because the kernel executes
 * the file's instruction. A breakpoint byte is accepted: it is another tracer's uprobe. Afterwards
 * the memory is looked at again: where no breakpoint stands (text that was moved to anonymous
 * memory) the kernel has accepted a probe that will never see anything, and that is said.
 */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/xalloc.h"
#include "link.h"
#include "returns.h"

#define BREAKPOINT    0xcc
#define CALL_OPCODE   0xe8 /* what newer kernels write over a nop of five bytes */
#define NOP5_LENGTH   5
#define CLOSE_THREADS 8

struct place {
	uint64_t offset;  /* in the file */
	uint64_t address; /* in the process */
	uint64_t cookie;
	uint8_t was;  /* first byte of the instruction */
	bool blind;   /* no breakpoint came to stand there */
	bool returns; /* a return probe belongs to it */
};

struct module_links {
	dev_t device;
	ino_t inode;
	char path[64]; /* to open it through the process it was planned for */
	struct place *places;
	size_t place_count;
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
		free(a->modules[i].places);
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
		n += a->modules[i].place_count;
	return n;
}

static bool is_nop5(const struct plan_point *point)
{
	static const uint8_t nop5[NOP5_LENGTH] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

	return point->length == NOP5_LENGTH && !memcmp(point->bytes, nop5, NOP5_LENGTH);
}

/* 0: as in the file (or a breakpoint); -EBUSY: changed; other -errno: could not be read. */
static int compare_memory(int memory, const struct target_module *m, const struct plan_point *point)
{
	uint8_t bytes[sizeof(point->bytes)];
	ssize_t n = pread(memory, bytes, point->length, (off_t)(m->bias + point->address));

	if (n != point->length)
		return n < 0 ? -errno : -EIO;
	if (bytes[0] == CALL_OPCODE && is_nop5(point))
		return 0;
	if (bytes[0] == BREAKPOINT && point->bytes[0] != BREAKPOINT)
		bytes[0] = point->bytes[0];
	return memcmp(bytes, point->bytes, point->length) ? -EBUSY : 0;
}

static int check_memory(int memory, const struct target_module *m, const struct plan *plan)
{
	int err = compare_memory(memory, m, &plan->entry);
	size_t i;

	for (i = 0; !err && i < plan->ret_count; i++)
		err = compare_memory(memory, m, &plan->rets[i]);
	return err;
}

static void add_place(struct module_links *links, uint64_t bias, const struct target_function *f,
		      const struct plan_point *point, enum call_side side, bool returns)
{
	struct place *place;

	links->places = xrealloc(links->places, (links->place_count + 1) * sizeof(*links->places));
	place = &links->places[links->place_count++];
	place->offset = f->file_offset + (point->address - f->address);
	place->address = bias + point->address;
	place->was = point->bytes[0];
	place->blind = false;
	place->cookie = COOKIE_MAKE(f->call, call_kind(f->call), call_flags(f->call), side);
	place->returns = returns;
}

static void tell(bool known, const char *path, const char *symbol, const char *what)
{
	if (known)
		log_verbose("%s in '%s': %s", symbol, path, what);
	else
		log_warn("%s in '%s': %s", symbol, path, what);
}

static void plan_one(struct discover_code *code, const struct target_function *f,
		     enum return_rule rule, struct plan *plan)
{
	struct plan_request request = {
		.address = f->address,
		.size = f->size,
		.call = f->call,
		.code = discover_code_get,
		.covers = discover_code_covers,
		.context = code,
		.no_return_probe = rule != RETURNS_FREE,
	};

	plan_function(&request, plan);
	if (!plan->refused || rule != RETURNS_AVOID)
		return;
	request.no_return_probe = false;
	plan_function(&request, plan);
}

/* Adds the places of one function. Returns -ESRCH when the process is gone. */
static int add_function(struct module_links *links, int memory, const struct target_module *m,
			struct discover_code *code, const struct target_function *f,
			enum return_rule rule, bool known)
{
	struct plan plan;
	size_t i;
	int err;

	plan_one(code, f, rule, &plan);
	if (plan.covered)
		return 0;
	if (plan.refused) {
		tell(known, m->path, f->symbol, plan.reason);
		return 0;
	}
	if (rule == RETURNS_FORBID && plan.entry.bytes[0] == CALL_OPCODE) {
		/* the kernel emulates a call without its entry on the shadow stack */
		tell(known, m->path, f->symbol, "not probed: it begins with a call");
		return 0;
	}
	err = check_memory(memory, m, &plan);
	if (err == -EBUSY) {
		tell(known, m->path, f->symbol,
		     "not probed: its code in memory differs from the file (patched by a hook?)");
		return 0;
	}
	if (err) {
		/* reading 0 bytes is how a process that is gone looks */
		return err == -EIO ? -ESRCH : err;
	}
	if (plan.entry.cost == COST_STEPPED && f->call != CALL_ID_MODULES)
		log_verbose("%s in '%s': slow probe (single-stepped): %s", f->symbol, m->path,
			    plan.reason);
	add_place(links, m->bias, f, &plan.entry,
		  plan.returns == RETURN_PROBE ? CALL_SIDE_BOTH : CALL_SIDE_ENTRY,
		  plan.returns == RETURN_PROBE);
	for (i = 0; i < plan.ret_count; i++)
		add_place(links, m->bias, f, &plan.rets[i], CALL_SIDE_RET, false);
	return 0;
}

static int open_memory(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int release_rank(const struct place *place)
{
	switch (COOKIE_KIND(place->cookie)) {
	case CALL_FREE: return 0;
	case CALL_REALLOC:
	case CALL_REALLOC_PRODUCT:
	case CALL_MUNMAP:
	case CALL_MREMAP: return 1;
	default: return 2;
	}
}

/*
 * In a program that runs already, a module's probes come to stand one after the other. What gives
 * blocks back goes first: a block that is seen being born is never missed when it dies.
 */
static void order_places(struct module_links *links)
{
	size_t i, j;

	for (i = 1; i < links->place_count; i++) {
		struct place place = links->places[i];

		for (j = i; j && release_rank(&place) < release_rank(&links->places[j - 1]); j--)
			links->places[j] = links->places[j - 1];
		links->places[j] = place;
	}
}

static int plan_module(struct attachment *a, struct module_links *links,
		       const struct targets *targets, const struct target_module *m, bool known)
{
	struct discover_code *code = discover_code_open(targets, m);
	enum return_rule rule = returns_rule(a->loader, a->pid, m, known);
	size_t i;
	int memory, err = 0;

	if (!code)
		return errno ? -errno : -ENOMEM;
	memory = open_memory(a->pid);
	if (memory < 0) {
		discover_code_close(code);
		return memory == -ENOENT ? -ESRCH : memory;
	}
	for (i = 0; !err && i < m->function_count; i++)
		err = add_function(links, memory, m, code, &m->functions[i], rule, known);
	close(memory);
	discover_code_close(code);
	order_places(links);
	return err;
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
	uint64_t *offsets = xcalloc(links->place_count + 1, sizeof(*offsets));
	uint64_t *cookies = xcalloc(links->place_count + 1, sizeof(*cookies));
	size_t i, n = 0;
	int err = 0;

	for (i = 0; i < links->place_count; i++) {
		if (!belongs(a, &links->places[i], kind))
			continue;
		offsets[n] = links->places[i].offset;
		cookies[n++] = links->places[i].cookie;
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
	for (i = 0; !err && i < links->place_count; i++) {
		if (links->places[i].returns)
			err = link_perf(a, links, &links->places[i], true);
		if (!err)
			err = link_perf(a, links, &links->places[i], false);
	}
	return err;
}

static void drop_links(struct module_links *links)
{
	while (links->fd_count)
		close(links->fds[--links->fd_count]);
	free(links->fds);
	free(links->places);
}

/* Is there a breakpoint now at each place? A process that is gone is not our concern here. */
static void look_for_blind(const struct attachment *a, struct module_links *links, const char *name,
			   bool known)
{
	int memory = open_memory(a->pid);
	size_t i;

	for (i = 0; memory >= 0 && i < links->place_count; i++) {
		struct place *place = &links->places[i];
		uint8_t byte;

		if (pread(memory, &byte, 1, (off_t)place->address) != 1 || byte != place->was ||
		    place->was == BREAKPOINT)
			continue;
		place->blind = true;
		tell(known, name, call_name((enum call_id)COOKIE_ID(place->cookie)),
		     "blind: no breakpoint came to stand in the process's memory (text moved to "
		     "anonymous memory?)");
	}
	if (memory >= 0)
		close(memory);
}

bool attachment_is_blind(const struct attachment *a)
{
	size_t m, i, blind = 0, seeing = 0;

	for (m = 0; m < a->module_count; m++) {
		for (i = 0; i < a->modules[m].place_count; i++) {
			const struct place *place = &a->modules[m].places[i];

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
	err = plan_module(a, &links, targets, m, known);
	if (!err)
		err = link_module(a, &links);
	if (err) {
		drop_links(&links);
		if (err != -ESRCH)
			log_error("cannot attach to '%s' in process %d: %s", m->path, (int)a->pid,
				  strerror(-err));
		return err;
	}
	look_for_blind(a, &links, m->path, known);
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
		links.places = xcalloc(model->place_count + 1, sizeof(*links.places));
		memcpy(links.places, model->places, model->place_count * sizeof(*links.places));
		links.place_count = model->place_count;
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
	int memory = loader_idle_program(a->loader) < 0 ? -1 : open_memory(child);
	bool found = false;
	size_t m, i;

	for (m = 0; memory >= 0 && !found && m < a->module_count; m++) {
		for (i = 0; !found && i < a->modules[m].place_count; i++) {
			const struct place *place = &a->modules[m].places[i];
			uint8_t byte;

			found = place->was != BREAKPOINT &&
				pread(memory, &byte, 1, (off_t)place->address) == 1 &&
				byte == BREAKPOINT;
		}
	}
	if (memory >= 0)
		close(memory);
	return found;
}

void attachment_sweep(const struct attachment *a)
{
	int program = loader_idle_program(a->loader), fd;
	uint64_t *offsets;
	size_t m, i;

	for (m = 0; m < a->module_count; m++) {
		const struct module_links *links = &a->modules[m];

		offsets = xcalloc(links->place_count + 1, sizeof(*offsets));
		for (i = 0; i < links->place_count; i++)
			offsets[i] = links->places[i].offset;
		fd = links->place_count
			     ? link_uprobe_multi(program, ATTACH_UPROBE_MULTI, links->path, offsets,
						 NULL, links->place_count, 0, a->pid)
			     : -1;
		if (fd >= 0)
			close(fd);
		free(offsets);
	}
}

static void print_point(const struct plan_point *point, const char *note)
{
	printf("    +0x%-6lx %-34s %-14s %s\n", (unsigned long)point->address, point->instruction,
	       point->cost == COST_EMULATED ? "emulated" : "single-stepped", note);
}

static void print_function(const struct target_module *m, const struct target_function *f,
			   const struct plan *plan)
{
	static const char *const returns[] = {"entry only", "with its return",
					      "with its ret instructions"};
	size_t i;

	printf("%-24s %-24s 0x%-8lx ", f->symbol, m->path, (unsigned long)f->address);
	if (plan->refused) {
		printf("refused: %s\n", plan->reason);
		return;
	}
	if (plan->covered) {
		printf("covered: another probed function gets the same block\n");
		return;
	}
	printf("+%lu %s, %s (%s)%s%s\n", (unsigned long)plan->entry_offset, plan->entry.instruction,
	       plan->entry.cost == COST_EMULATED ? "emulated" : "single-stepped: slow",
	       returns[plan->returns], plan->reason[0] ? ": " : "", plan->reason);
	for (i = 0; i < plan->ret_count; i++)
		print_point(&plan->rets[i], "return side");
}

void attach_print_plan(const struct targets *targets)
{
	size_t m, i;

	printf("%-24s %-24s %-10s %s\n", "FUNCTION", "MODULE", "OFFSET",
	       "PROBE (offset, instruction, cost)");
	for (m = 0; m < targets->module_count; m++) {
		const struct target_module *module = &targets->modules[m];
		struct discover_code *code = discover_code_open(targets, module);

		for (i = 0; code && i < module->function_count; i++) {
			struct plan plan;

			plan_one(code, &module->functions[i], RETURNS_FREE, &plan);
			print_function(module, &module->functions[i], &plan);
		}
		discover_code_close(code);
	}
}
