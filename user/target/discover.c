/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides which allocator functions a process uses. Input: its files in order of lookup (files.c)
 * and the candidates of each (candidates.c). A name belongs to the first file that exports it, as
 * the dynamic linker binds it; functions that no other module can bind to (a prefixed allocator
 * inside a library, a static program) belong to their own file. Invariant: in the result an address
 * of a module occurs once and every function is inside executable bytes.
 */
#include "discover.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../base/buffer.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "allocators.h"
#include "candidates.h"
#include "elf.h"
#include "files.h"
#include "go_builds.h"
#include "go_private.h"
#include "go_probes.h"
#include "process.h"

#define LOOKED_AT_MAX 1000
#define GO_LOOKS      50 /* before its figures are said to contradict each other */
#define GO_PAUSE_NS   2000000

/* Which file has a name: at most one entry for each name of the table. */
struct owner {
	const char *symbol;
	size_t file;
};

struct discovery {
	const struct discover_options *options;
	struct files files;
	struct candidates *candidates; /* one for each file */
	struct owner *owners;
	size_t owner_count;
	bool *object_found; /* one for each -O */
	char go_library
		[GO_WHY_MAX]; /* a file with a Go runtime that is not the program's; "": none */
};

static bool same_file(int fd, const char *path)
{
	struct stat ours, theirs;

	return stat(path, &ours) == 0 && fstat(fd, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

static bool is_object(struct discovery *d, const struct mapped_file *file)
{
	bool found = false;

	for (size_t i = 0; i < d->options->object_count; i++) {
		const char *object = d->options->objects[i];

		if (strcmp(object, file->path) != 0 && !same_file(file->fd, object))
			continue;
		d->object_found[i] = true;
		found = true;
	}
	return found;
}

/* A runtime that is not the program's own (-buildmode=c-shared) is not looked for. */
static void note_go_library(struct discovery *d, const struct mapped_file *file)
{
	const char *slash = strrchr(file->path, '/');
	char version[GO_VERSION_MAX];
	uint64_t address, size;

	if (d->go_library[0] || file->is_executable ||
	    !elf_file_section(file->elf, ".go.buildinfo", &address, &size) ||
	    !go_build_version(file->elf, version))
		return;
	snprintf(d->go_library, sizeof(d->go_library),
		 "its Go runtime (%s) is in the library '%s', not in the program", version,
		 slash ? slash + 1 : file->path);
}

/* Plugins use the runtime of their program. */
static void refuse_go_library(const struct discovery *d, struct targets *targets)
{
	for (size_t i = 0; i < targets->module_count; i++) {
		if (targets->modules[i].has_go)
			return;
	}
	if (!targets->go_refused[0])
		memcpy(targets->go_refused, d->go_library, sizeof(targets->go_refused));
}

static void inspect_file(struct discovery *d, struct mapped_file *file, struct candidates *c)
{
	c->is_program = file->is_executable;
	c->is_static = file->is_executable && !elf_file_has_interpreter(file->elf);
	c->forced = is_object(d, file);
	candidates_collect(c, file->elf, d->options->ranges);
	if (c->count == 0 && !file->is_linker && !file->is_executable)
		files_close(file);
}

/* An error only when the program itself is foreign or closed to us: other files are left out. */
static int inspect_files(struct discovery *d)
{
	for (size_t i = 0; i < d->files.count; i++) {
		struct mapped_file *file = &d->files.data[i];
		int err = files_open(&d->files, file);

		if (err && file->is_executable)
			return err;
		if (err) {
			log_verbose("'%s' is not searched: %s", file->path, strerror(-err));
			continue;
		}
		note_go_library(d, file);
		inspect_file(d, file, &d->candidates[i]);
	}
	return 0;
}

static const struct owner *find_owner(const struct discovery *d, const char *symbol)
{
	for (size_t i = 0; i < d->owner_count; i++) {
		if (strcmp(d->owners[i].symbol, symbol) == 0)
			return &d->owners[i];
	}
	return NULL;
}

static const struct owner *claim(struct discovery *d, const char *symbol, size_t file)
{
	const struct owner *owner = find_owner(d, symbol);
	size_t n = d->owner_count;

	if (owner)
		return owner;
	if ((n & (n - 1)) == 0)
		d->owners = xrealloc(d->owners, (n ? n * 2 : 1) * sizeof(*d->owners));
	d->owners[d->owner_count++] = (struct owner){symbol, file};
	return &d->owners[n];
}

/* An exported name is taken even by a file whose function does not count: the linker binds it all
 * the same. */
static void bind_names(struct discovery *d)
{
	for (size_t i = 0; i < d->files.count; i++) {
		size_t file = d->files.order[i];
		struct candidates *c = &d->candidates[file];

		for (size_t k = 0; k < c->count; k++) {
			struct candidate *candidate = &c->data[k];
			bool bound = true;

			if (candidate->is_dynamic)
				bound = claim(d, candidate->symbol, file)->file == file;
			candidate->chosen =
				(bound || c->forced) && candidates_eligible(c, candidate);
		}
	}
}

static void settle_file(struct discovery *d, size_t index)
{
	struct candidates *c = &d->candidates[index];
	struct mapped_file *file = &d->files.data[index];

	if (c->count == 0)
		return;
	candidates_resolve(c, &d->files, file);
	/* Before jumps are followed: a wrapper is recognised by the address to which others jump.
	 */
	if (c->is_program && !c->forced)
		candidates_drop_wrappers(c, file->elf);
	candidates_follow_jumps(c, file->elf);
}

static struct target_function *function_at(const struct target_module *module, uint64_t address)
{
	for (size_t i = 0; i < module->function_count; i++) {
		if (module->functions[i].address == address)
			return &module->functions[i];
	}
	return NULL;
}

static struct target_function *add_function(struct target_module *module)
{
	size_t n = module->function_count;

	if ((n & (n - 1)) == 0)
		module->functions =
			xrealloc(module->functions, (n ? n * 2 : 1) * sizeof(*module->functions));
	memset(&module->functions[n], 0, sizeof(module->functions[n]));
	module->function_count++;
	return &module->functions[n];
}

static void add_candidate(struct target_module *module, const struct elf_file *elf,
			  const struct candidate *candidate)
{
	struct target_function *function = function_at(module, candidate->address);
	enum call_id call = candidate->meaning.call;
	uint64_t offset;

	if (!function) {
		if (!elf_file_to_offset(elf, candidate->address, &offset))
			return;
		function = add_function(module);
		function->address = candidate->address;
		function->file_offset = offset;
	}
	function->calls |= 1ull << call;
	if (candidate->size > function->size)
		function->size = candidate->size;
	if (function->symbol && function->call <= call)
		return;
	free((void *)(uintptr_t)function->symbol);
	function->symbol = xstrdup(candidate->symbol);
	function->call = call;
}

static bool find_notice(void *context, const struct elf_symbol *symbol)
{
	if (strcmp(symbol->name, "_dl_debug_state") != 0 || symbol->type == STT_OBJECT)
		return true;
	*(uint64_t *)context = symbol->address;
	return false;
}

/* Before the linker has run nothing in memory says where its notice is: its symbol does. */
static void add_notice(struct discovery *d, struct mapped_file *file, struct target_module *module)
{
	const struct file_mapping *mapping = files_find(&d->files, d->files.notice);
	struct target_function *function;
	uint64_t address = 0, offset, start, end;

	if (mapping && &d->files.data[mapping->file] == file)
		address = d->files.notice - file->bias;
	else if (!d->files.notice)
		elf_file_symbols(file->elf, find_notice, &address);
	if (!address || !elf_file_is_code(file->elf, address) ||
	    !elf_file_to_offset(file->elf, address, &offset) || function_at(module, address))
		return;
	function = add_function(module);
	function->call = CALL_ID_MODULES;
	function->calls = 1ull << CALL_ID_MODULES;
	function->symbol = xstrdup("_dl_debug_state");
	function->address = address;
	function->file_offset = offset;
	if (elf_file_function(file->elf, address, &start, &end) && start == address)
		function->size = end - start;
}

static void add_go_probe(struct target_module *module, const struct elf_file *elf,
			 const struct go_probe *probe)
{
	struct target_function *function;
	uint64_t offset;

	if (!elf_file_to_offset(elf, probe->address, &offset))
		return;
	function = add_function(module);
	function->call = probe->call;
	function->calls = 1ull << probe->call;
	function->symbol = xstrdup(probe->name);
	function->address = probe->address;
	function->file_offset = offset;
	memcpy(function->code, probe->code, probe->length);
	function->code_length = probe->length;
}

/*
 * As go_read(). -EBADMSG: its figures agree at no moment; a program that allocates and collects all the time changes them while they
 * are read.
 */
static int look_at_go(struct go_process *go)
{
	const struct timespec pause = {.tv_nsec = GO_PAUSE_NS};
	struct go_figures figures;
	int err = -EBADMSG;

	for (int i = 0; i < GO_LOOKS && err == -EBADMSG; i++) {
		if (i)
			nanosleep(&pause, NULL);
		err = go_read(go, &figures);
	}
	return err;
}

/* A build that is another than it says would be sampled at the right places and read at the wrong ones: it is not sampled. */
static bool go_is_sound(const struct discovery *d, const struct mapped_file *file,
			char why[GO_WHY_MAX])
{
	struct go_builds *builds = d->options->go_builds;
	struct go_process *go;
	int err;

	if (go_builds_is_sound(builds, file->elf))
		return true;
	go = go_open(d->files.pid, builds, why);
	if (!go)
		return false;
	err = look_at_go(go);
	if (!err)
		go_builds_note_sound(builds, file->elf);
	if (err == -EBADMSG)
		snprintf(why, GO_WHY_MAX,
			 "it says that it was built with %s, but its figures contradict each other",
			 go_version_of(go));
	go_close(go);
	return err != -EBADMSG;
}

static void add_go(struct discovery *d, const struct mapped_file *file,
		   struct target_module *module, struct targets *targets)
{
	struct go_probes probes;
	size_t i;

	if (!go_probes_find(file->elf, d->files.memory, file->bias, &probes, targets->go_refused) ||
	    !go_is_sound(d, file, targets->go_refused))
		return;
	for (i = 0; i < GO_PROBES; i++)
		add_go_probe(module, file->elf, &probes.v[i]);
	module->has_go = true;
	module->go = probes.shape;
}

static int compare_functions(const void *a, const void *b)
{
	const struct target_function *x = a, *y = b;

	if (x->call != y->call)
		return x->call < y->call ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static void module_done(struct target_module *module)
{
	for (size_t i = 0; i < module->function_count; i++)
		free((void *)(uintptr_t)module->functions[i].symbol);
	free(module->functions);
	free(module->path);
	if (module->fd >= 0)
		close(module->fd);
}

/* The descriptor of the file goes over to the module. */
static void take_file(struct mapped_file *file, struct target_module *module)
{
	module->path = xstrdup(file->path);
	memcpy(module->open_path, file->open_path, sizeof(module->open_path));
	module->fd = file->fd;
	module->device = file->device;
	module->inode = file->inode;
	module->bias = file->bias;
	module->deleted = file->deleted;
	module->is_linker = file->is_linker;
	elf_file_close(file->elf);
	file->elf = NULL;
	file->fd = -1;
}

static void add_module(struct discovery *d, size_t index, struct targets *targets)
{
	struct mapped_file *file = &d->files.data[index];
	const struct candidates *c = &d->candidates[index];
	struct target_module module = {.fd = -1};
	size_t n = targets->module_count;

	if (!file->elf)
		return;
	for (size_t i = 0; i < c->count; i++) {
		if (c->data[i].chosen)
			add_candidate(&module, file->elf, &c->data[i]);
	}
	if (file->is_linker)
		add_notice(d, file, &module);
	if (file->is_executable)
		add_go(d, file, &module, targets);
	if (module.function_count == 0)
		return;
	qsort(module.functions, module.function_count, sizeof(*module.functions),
	      compare_functions);
	take_file(file, &module);
	if ((n & (n - 1)) == 0)
		targets->modules =
			xrealloc(targets->modules, (n ? n * 2 : 1) * sizeof(*targets->modules));
	targets->modules[targets->module_count++] = module;
}

static char *list_files(const struct files *files)
{
	struct buffer list = {0};

	buffer_add_string(&list, "");
	for (size_t i = 0; i < files->count; i++) {
		const char *path = files->data[files->order[i]].path;
		const char *slash = strrchr(path, '/');
		const char *name = slash && slash[1] ? slash + 1 : path;

		if (list.length + strlen(name) > LOOKED_AT_MAX) {
			buffer_printf(&list, "%sand %zu more", i ? ", " : "", files->count - i);
			break;
		}
		if (i)
			buffer_add_string(&list, ", ");
		buffer_add_string(&list, name);
	}
	return list.data;
}

static void warn_missing_objects(const struct discovery *d)
{
	for (size_t i = 0; i < d->options->object_count; i++) {
		if (!d->object_found[i])
			log_warn("'%s' is not mapped in process %d: option -O has no effect",
				 d->options->objects[i], d->files.pid);
	}
}

static int check_process(pid_t pid)
{
	struct process_info info;
	int err = process_read(pid, &info);

	if (err)
		return err;
	if (info.kernel_thread)
		return -EINVAL;
	if (info.zombie)
		return -ESRCH;
	return info.is_32bit ? -ENOEXEC : 0;
}

static int discover(struct discovery *d, pid_t pid, struct targets *targets)
{
	int err = files_load(&d->files, pid);

	if (err)
		return err;
	d->candidates = xcalloc(d->files.count + 1, sizeof(*d->candidates));
	d->object_found = xcalloc(d->options->object_count + 1, sizeof(*d->object_found));
	err = inspect_files(d);
	if (err)
		return err;
	bind_names(d);
	for (size_t i = 0; i < d->files.count; i++)
		settle_file(d, i);
	targets->looked_at = list_files(&d->files);
	for (size_t i = 0; i < d->files.count; i++)
		add_module(d, d->files.order[i], targets);
	refuse_go_library(d, targets);
	warn_missing_objects(d);
	return 0;
}

int discover_process(pid_t pid, const struct discover_options *options, struct targets *targets)
{
	struct discovery d = {.options = options};
	int err;

	memset(targets, 0, sizeof(*targets));
	err = check_process(pid);
	if (err)
		return err;
	err = discover(&d, pid, targets);
	for (size_t i = 0; d.candidates && i < d.files.count; i++)
		candidates_done(&d.candidates[i]);
	free(d.candidates);
	free(d.owners);
	free(d.object_found);
	files_done(&d.files);
	return err;
}

static void drop_go(struct target_module *module)
{
	size_t i, n = 0;

	for (i = 0; i < module->function_count; i++) {
		if (module->functions[i].code_length)
			free((void *)(uintptr_t)module->functions[i].symbol);
		else
			module->functions[n++] = module->functions[i];
	}
	module->function_count = n;
	module->has_go = false;
}

void targets_drop_go(struct targets *targets)
{
	size_t i, n = 0;

	for (i = 0; i < targets->module_count; i++) {
		struct target_module *module = &targets->modules[i];

		drop_go(module);
		if (module->function_count)
			targets->modules[n++] = *module;
		else
			module_done(module);
	}
	targets->module_count = n;
}

void targets_done(struct targets *targets)
{
	for (size_t i = 0; i < targets->module_count; i++)
		module_done(&targets->modules[i]);
	free(targets->modules);
	free(targets->looked_at);
	memset(targets, 0, sizeof(*targets));
}
