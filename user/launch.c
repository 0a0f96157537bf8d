// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ptrace side. Every stop of a watched thread arrives here through wait():
 *
 *   exec         the program is replaced. Static: its probes are placed now. Dynamic: it goes on from
 *                system call to system call until the dynamic linker has finished; each mapping of
 *                code is looked at when it appears, so that even constructors find their allocator
 *                probed.
 *   fork, clone  the child stops by itself before its first instruction and gets the probes of its
 *                parent.
 *   signal       is passed on. Group stops are kept (PTRACE_LISTEN).
 *
 * With no -f the command is let go when it has been started.
 */
#include "launch.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "become.h"
#include "refusal.h"
#include "target/debugger.h"
#include "target/process.h"

#define BUCKETS	     1024
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define MAX_HEADERS  64
#define MAX_DYNAMIC  512

/* A watched thread. */
struct tracee {
	struct tracee *next;
	pid_t tid;
	bool starting; /* between exec and the end of the dynamic linker's work */
};

struct launch {
	struct tracker *tracker;
	bool follow;
	pid_t command;
	bool ended;
	int status;
	struct tracee *buckets[BUCKETS];
};

struct launch *launch_new(struct tracker *tracker, bool follow)
{
	struct launch *l = xcalloc(1, sizeof(*l));

	l->tracker = tracker;
	l->follow = follow;
	return l;
}

static struct tracee **tracee_slot(struct launch *l, pid_t tid)
{
	struct tracee **slot = &l->buckets[(unsigned int)tid % BUCKETS];

	while (*slot && (*slot)->tid != tid)
		slot = &(*slot)->next;
	return slot;
}

static struct tracee *tracee_get(struct launch *l, pid_t tid)
{
	struct tracee **slot = tracee_slot(l, tid);

	if (!*slot) {
		*slot = xcalloc(1, sizeof(**slot));
		(*slot)->tid = tid;
	}
	return *slot;
}

static void tracee_drop(struct launch *l, pid_t tid)
{
	struct tracee **slot = tracee_slot(l, tid), *old = *slot;

	if (!old)
		return;
	*slot = old->next;
	free(old);
}

void launch_free(struct launch *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < BUCKETS; i++) {
		while (l->buckets[i])
			tracee_drop(l, l->buckets[i]->tid);
	}
	free(l);
}

pid_t launch_pid(const struct launch *l)
{
	return l->command;
}

static bool launch_ended(const struct launch *l, int *status)
{
	*status = l->status;
	return l->ended;
}

static unsigned long watch_options(const struct launch *l)
{
	unsigned long options = PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;

	if (l->follow)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	return options;
}

static void resume(struct tracee *t, int signal)
{
	/* ESRCH: killed meanwhile; wait() will tell */
	ptrace(t->starting ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, 0, (long)signal);
}

/* ---- the dynamic linker of a starting program ---- */

static bool read_memory(int memory, uint64_t address, void *to, size_t size)
{
	return pread(memory, to, size, (off_t)address) == (ssize_t)size;
}

static bool read_auxv(pid_t pid, uint64_t *headers, uint64_t *count)
{
	Elf64_auxv_t v;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	*headers = *count = 0;
	while (fread(&v, sizeof(v), 1, f) == 1 && v.a_type != AT_NULL) {
		if (v.a_type == AT_PHDR)
			*headers = v.a_un.a_val;
		else if (v.a_type == AT_PHNUM)
			*count = v.a_un.a_val;
	}
	fclose(f);
	return *headers && *count && *count <= MAX_HEADERS;
}

/* Addresses of the executable's dynamic section; 0: it has none or no interpreter. */
static uint64_t dynamic_section(int memory, uint64_t headers, uint64_t count)
{
	uint64_t bias = 0, dynamic = 0, i;
	bool interpreter = false;
	Elf64_Phdr h;

	for (i = 0; i < count; i++) {
		if (!read_memory(memory, headers + i * sizeof(h), &h, sizeof(h)))
			return 0;
		if (h.p_type == PT_PHDR)
			bias = headers - h.p_vaddr;
		else if (h.p_type == PT_DYNAMIC)
			dynamic = h.p_vaddr;
		else if (h.p_type == PT_INTERP)
			interpreter = true;
	}
	return interpreter && dynamic ? dynamic + bias : 0;
}

enum linker_state { LINKER_NONE, LINKER_WORKING, LINKER_DONE };

/* struct r_debug (link.h) in the process's memory: version, map, brk, state; map set and state 0 is
 * consistent. */
static enum linker_state linker_state(pid_t pid)
{
	uint64_t headers, count, dynamic, debug = 0, state[4];
	enum linker_state result = LINKER_NONE;
	Elf64_Dyn d;
	char path[64];
	int memory, i;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		return LINKER_NONE;
	dynamic = read_auxv(pid, &headers, &count) ? dynamic_section(memory, headers, count) : 0;
	if (dynamic)
		result = LINKER_WORKING;
	for (i = 0; dynamic && i < MAX_DYNAMIC && !debug; i++) {
		if (!read_memory(memory, dynamic + (uint64_t)i * sizeof(d), &d, sizeof(d)) ||
		    d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_DEBUG)
			debug = d.d_un.d_ptr;
	}
	if (debug && read_memory(memory, debug, state, sizeof(state)) && state[1] &&
	    (uint32_t)state[3] == 0)
		result = LINKER_DONE;
	close(memory);
	return result;
}

static void started(struct launch *l, struct tracee *t, struct tracked *p)
{
	t->starting = false;
	tracker_read_modules(l->tracker, p);
	if (t->tid == l->command && !p->announced && !p->refused) {
		if (!attachment_probe_count(p->attachment))
			tracker_say_nothing_found(l->tracker, p);
		tracker_announce(l->tracker, p);
	}
}

/* After a successful mmap() of code from a file: which file? */
static void look_at_mapping(struct launch *l, struct tracked *p, int fd)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)p->pid, fd);
	if (stat(path, &st))
		return;
	if (tracker_mapped(l->tracker, p, st.st_dev, st.st_ino))
		log_verbose("process %d: cannot place probes at its start", (int)p->pid);
}

static void step_start(struct launch *l, struct tracee *t)
{
	struct tracked *p = tracker_find_pid(l->tracker, t->tid);
	struct __ptrace_syscall_info info;

	if (!p || ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0) {
		t->starting = false;
		return;
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		bool code = info.entry.nr == SYS_mmap && (info.entry.args[2] & PROT_EXEC);

		p->start_call = code ? (int)info.entry.args[4] : -1;
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && p->start_call >= 0 &&
		   !info.exit.is_error) {
		look_at_mapping(l, p, p->start_call);
		p->start_call = -1;
	}
	if (linker_state(t->tid) == LINKER_DONE)
		started(l, t, p);
}

/* A debugger must be able to hold its children itself. */
static void leave_children(struct launch *l, struct tracee *t, const struct tracked *p)
{
	bool debugger = l->follow && debugger_is(p->pid);

	if (!l->follow)
		return;
	ptrace(PTRACE_SETOPTIONS, t->tid, 0,
	       debugger ? (unsigned long)(PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)
			: watch_options(l));
	if (debugger)
		log_info("process %d (%s) uses ptrace itself: its children are not held, but "
			 "noticed late",
			 (int)p->pid, p->comm);
}

static void begin_program(struct launch *l, struct tracee *t, struct tracked *p)
{
	int err = tracker_update(l->tracker, p);

	leave_children(l, t, p);
	p->start_call = -1;
	p->refused = err == -ENOEXEC;
	if (p->refused)
		refusal_of(p->pid, err);
	t->starting = !p->refused && linker_state(t->tid) != LINKER_NONE;
	if (!t->starting)
		started(l, t, p);
}

/* ---- stops ---- */

static void on_exec(struct launch *l, struct tracee *t)
{
	struct tracked *p = tracker_find_pid(l->tracker, t->tid);
	unsigned long former = 0;

	if (!p)
		return;
	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &former);
	if ((pid_t)former != t->tid)
		tracee_drop(l, (pid_t)former);
	tracker_exec(l->tracker, p, former && (pid_t)former != t->tid);
	begin_program(l, t, p);
}

static void on_new(struct launch *l, pid_t tid)
{
	struct process_info info = {0};

	if (process_read(tid, &info) || (info.tgid && info.tgid != tid))
		return;
	if (!tracker_find_pid(l->tracker, tid))
		tracker_add_child(l->tracker, tid, info.parent);
}

static bool is_group_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void on_stop(struct launch *l, pid_t tid, int status)
{
	bool known = *tracee_slot(l, tid) != NULL;
	struct tracee *t = tracee_get(l, tid);
	int event = status >> 16, signal = WSTOPSIG(status), deliver = 0;

	switch (event) {
	case PTRACE_EVENT_EXEC: on_exec(l, t); break;
	case PTRACE_EVENT_STOP:
		if (!known)
			on_new(l, tid);
		if (is_group_stop(signal)) {
			ptrace(PTRACE_LISTEN, tid, 0, 0);
			return;
		}
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE: break;
	default:
		if (signal == SYSCALL_STOP)
			step_start(l, t);
		else
			deliver = signal;
	}
	if (!l->follow && !t->starting && event != PTRACE_EVENT_STOP) {
		ptrace(PTRACE_DETACH, tid, 0, (long)deliver);
		tracee_drop(l, tid);
		return;
	}
	resume(t, deliver);
}

void launch_handle(struct launch *l)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		if (WIFSTOPPED(status)) {
			on_stop(l, tid, status);
			continue;
		}
		tracee_drop(l, tid);
		if (tid == l->command) {
			l->ended = true;
			l->status = status;
		}
	}
}

/* ---- starting ---- */

struct failure {
	int error;
	char verb[32];
};

static void run_child(int go, int failed, char *const *argv, const char *user)
{
	struct failure f = {0};
	const char *verb;
	sigset_t none;
	char c;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* the other end is closed when the tracer dies before it says go */
	if (read(go, &c, 1) != 1)
		_exit(127);
	verb = become(user);
	if (!verb) {
		execvp(argv[0], argv);
		verb = "start";
	}
	f.error = errno;
	snprintf(f.verb, sizeof(f.verb), "%s", verb);
	if (write(failed, &f, sizeof(f)) < 0)
		_exit(126);
	_exit(127);
}

static int wait_for_exec(struct launch *l, pid_t pid, int failed, char *const *argv,
			 const char *user)
{
	struct failure f;
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) < 0 && errno != EINTR)
			return -errno;
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		if (status >> 16 == PTRACE_EVENT_EXEC) {
			tracee_get(l, pid);
			return 0;
		}
		ptrace(PTRACE_CONT, pid, 0, status >> 16 ? 0L : (long)WSTOPSIG(status));
	}
	if (read(failed, &f, sizeof(f)) == sizeof(f)) {
		f.verb[sizeof(f.verb) - 1] = 0;
		log_error("cannot %s '%s': %s", f.verb,
			  strcmp(f.verb, "start") && user ? user : argv[0], strerror(f.error));
		return -f.error;
	}
	log_error("cannot start '%s': it ended before it began", argv[0]);
	return -ECHILD;
}

int launch_command(struct launch *l, char *const *argv, const char *user)
{
	int go[2], failed[2], err = 0;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		run_child(go[0], failed[1], argv, user);
	}
	close(go[0]);
	close(failed[1]);
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, 0, watch_options(l))) {
		err = -errno;
		log_error("cannot hold '%s' at its start: %s", argv[0], strerror(-err));
	} else if (write(go[1], "", 1) != 1) {
		err = -errno;
	} else {
		l->command = pid;
		err = wait_for_exec(l, pid, failed[0], argv, user);
	}
	close(go[1]);
	close(failed[0]);
	if (err)
		return err;
	tracker_add_held(l->tracker, pid);
	return 0;
}

void launch_go(struct launch *l)
{
	struct tracee *t = tracee_get(l, l->command);
	struct tracked *p = tracker_find_pid(l->tracker, l->command);

	if (p)
		begin_program(l, t, p);
	if (!t->starting && !l->follow) {
		ptrace(PTRACE_DETACH, t->tid, 0, 0);
		tracee_drop(l, t->tid);
		return;
	}
	resume(t, 0);
}

bool launch_watch(struct launch *l, pid_t pid)
{
	unsigned int added = 1, total = 0;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	/* threads may appear while we look: until a pass finds no new one */
	while (added) {
		added = 0;
		dir = opendir(path);
		if (!dir)
			return false;
		while ((entry = readdir(dir))) {
			pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

			if (tid <= 0 || *tracee_slot(l, tid))
				continue;
			if (ptrace(PTRACE_SEIZE, tid, 0, watch_options(l))) {
				if (errno == ESRCH)
					continue;
				log_warn("cannot watch process %d for children: %s: they are "
					 "noticed late",
					 (int)pid, strerror(errno));
				closedir(dir);
				return false;
			}
			tracee_get(l, tid);
			added++;
			total++;
		}
		closedir(dir);
	}
	return total > 0;
}

void launch_say_status(const struct launch *l, const struct tracked *command)
{
	int status = -1;

	if (!command)
		return;
	/* its end may have been told by the kernel side before wait() could */
	if (!launch_ended(l, &status) && command->ended && command->has_code)
		status = command->exit_code;
	if (status == -1)
		log_always("%d (%s) runs on", (int)command->pid, command->comm);
	else if (WIFSIGNALED(status))
		log_always("%d (%s) was killed by signal %d (%s)", (int)command->pid, command->comm,
			   WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_always("%d (%s) exited with status %d", (int)command->pid, command->comm,
			   WEXITSTATUS(status));
}
