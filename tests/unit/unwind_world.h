/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel as far as the unwinder of the BPF side sees it, as plain C: maps, memory of a thread,
 * tables made by hand or from this program's own files. Included once, by a test.
 */
#ifndef UNIT_UNWIND_WORLD_H
#define UNIT_UNWIND_WORLD_H

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <sys/uio.h>
#include "../../include/calls.h"
#include "../../include/config.h"
#include "../../include/counters.h"
#include "../../include/event.h"
#include "../../include/unwind_row.h"
#include "../../user/probe/unwind_build.h"
#include "../../user/target/elf.h"
#include "../../user/target/maps.h"
#include "constant.h"

#define __uint(name, value)  int(*name)[value]
#define __type(name, value)  __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]
#define SEC(name)
#define __noinline __attribute__((noinline))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

struct mm_struct {
	unsigned long exec_vm;
};

struct task_struct {
	struct mm_struct *mm;
};

/* As the kernel names them. */
struct pt_regs {
	unsigned long sp, ip, bp;
};

static void *fake_lookup(const void *map, const void *key);
static long fake_read(void *to, uint32_t size, const void *from);
static long fake_stack(void *to, uint32_t size);
static struct task_struct *fake_task(void);
static uint64_t fake_now(void);
static uint64_t uprobe_trampoline(void);
static uint64_t uprobe_return_address(uint64_t slot);
static int emit_process(uint32_t type, uint32_t number, struct task_struct *task, uint32_t code,
			uint32_t flags);

#define bpf_map_lookup_elem		    fake_lookup
#define bpf_probe_read_user		    fake_read
#define bpf_get_stack(ctx, to, size, flags) fake_stack(to, size)
#define bpf_get_current_task_btf	    fake_task
#define bpf_get_current_pid_tgid()	    (77ull << 32)
#define bpf_ktime_get_ns		    fake_now
#define bpf_core_field_exists(field)	    1

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../../bpf/maps.bpf.h"
#include "../../bpf/unwind_maps.bpf.h"
#include "../../bpf/scratch.bpf.h"
static bool stack_is_sent(uint64_t id, uint32_t check)
{
	return id && check;
}
static void emit_stack(struct thread *t, struct scratch *s, uint32_t count)
{
	(void)t;
	(void)s;
	(void)count;
}
#include "../../bpf/unwind_rule.bpf.h"
#include "../../bpf/unwind_step.bpf.h"
#include "../../bpf/unwind_record.bpf.h"
#include "../../bpf/unwind_memo.bpf.h"
#include "../../bpf/unwind.bpf.h"
static uint64_t stack_page(__u64 *table, uint64_t address);
static uint64_t kernel_word(const void *address);
#include "../../bpf/unwind_known.bpf.h"
#pragma GCC diagnostic pop

/* Not every test uses all that is here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

/* ---- maps ---- */

static uint64_t words[4 * UNWIND_CHUNK_WORDS];
static struct cached_rule rules[RULE_CACHE_SLOTS];
static struct memo_entry memos[MEMO_SLOTS];
static bool rules_off; /* each rule is searched for */
static struct unwind_space spaces[4];
static struct unwind_gone gone[4];
static struct process process;
static uint64_t owners[4]; /* the space is the index */
static uint32_t owner_slot;

static void *find_owner(uint64_t owner)
{
	for (owner_slot = 0; owner_slot < 4; owner_slot++) {
		if (owners[owner_slot] == owner)
			return &owner_slot;
	}
	return NULL;
}

static void *fake_lookup(const void *map, const void *key)
{
	uint32_t index;
	uint64_t owner;

	if (map == (const void *)&unwind_owners) {
		memcpy(&owner, key, sizeof(owner));
		return find_owner(owner);
	}
	memcpy(&index, key, sizeof(index));
	if (map == (const void *)&processes)
		return &process;
	if (map == (const void *)&unwind_spaces)
		return index < 4 ? &spaces[index] : NULL;
	if (map == (const void *)&unwind_gone)
		return &gone[index & 3];
	if (map == (const void *)&unwind_rules)
		return rules_off ? NULL : &rules[index];
	if (map == (const void *)&unwind_memo)
		return &memos[index];
	if (map == (const void *)&unwind_chunks)
		return index < 4 ? &words[(size_t)index * UNWIND_CHUNK_WORDS] : NULL;
	assert_true(index < UNWIND_CHUNK_WORDS);
	return (uint64_t *)(uintptr_t)map + index;
}

/* ---- the thread ---- */

/* Memory from MEMORY on, at the end of a page; 0 bytes: this program's own. */
#define MEMORY	     0x7000000000ull
#define MEMORY_WORDS 4096

static uint64_t memory[MEMORY_WORDS];
static size_t memory_bytes;
static void (*on_read)(void);

static long read_own(void *to, uint32_t size, const void *from)
{
	struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -14;
}

static long fake_read(void *to, uint32_t size, const void *from)
{
	uint64_t at = (uintptr_t)from - MEMORY;

	if (on_read)
		on_read();
	if (!memory_bytes)
		return read_own(to, size, from);
	if (at > memory_bytes || memory_bytes - at < size)
		return -14;
	memcpy(to, (const char *)memory + at, size);
	return 0;
}

/* Stacks that are read where they lie: the page is what it is called, until it is said that there is none. */
static bool no_pages;

static uint64_t stack_page(__u64 *table, uint64_t address)
{
	*table = address >> 21;
	return no_pages ? 0 : address & ~4095ull;
}

static uint64_t kernel_word(const void *address)
{
	uint64_t word;

	return fake_read(&word, sizeof(word), address) ? 0 : word;
}

static struct mm_struct mm;
static struct task_struct task = {&mm};
static uint64_t now_ns;
static uint64_t trampoline_address, trampoline_slot, trampoline_return;
static unsigned int asked;

static long fake_stack(void *to, uint32_t size)
{
	(void)to;
	(void)size;
	return -14;
}

static struct task_struct *fake_task(void)
{
	return &task;
}

static uint64_t fake_now(void)
{
	return now_ns;
}

static uint64_t uprobe_trampoline(void)
{
	return trampoline_address;
}

static uint64_t uprobe_return_address(uint64_t slot)
{
	return slot == trampoline_slot ? trampoline_return : 0;
}

static int emit_process(uint32_t type, uint32_t number, struct task_struct *of, uint32_t code,
			uint32_t flags)
{
	(void)number;
	(void)of;
	(void)code;
	asked += type == EVENT_MODULES && flags == EVENT_F_UNWIND;
	return 0;
}

static void set_max_frames(uint32_t frames)
{
	const struct config c = {.max_frames = frames, .unwind_tables = 1, .direct_base = 1};

	set_constant(&config, &c, sizeof(c));
}

/* ---- tables ---- */

#define LIST_AT	  1024 /* words */
#define LIST_ROOM 128
#define TABLE_AT  (LIST_AT + LIST_ROOM * UNWIND_MAPPING_WORDS)

static uint64_t publish(const struct unwind_mapping *list, uint32_t count)
{
	static uint32_t number;

	memcpy(&words[LIST_AT], list, count * sizeof(*list));
	return UNWIND_LIST(++number, LIST_AT / UNWIND_MAPPING_WORDS, count);
}

static uint32_t tables_end;

static void put_table(const struct unwind_table *t, struct unwind_mapping *m)
{
	size_t index = UNWIND_INDEX_WORDS(t->pages);

	assert_true(tables_end + index + t->row_count < sizeof(words) / sizeof(words[0]));
	m->table = tables_end;
	m->pages = t->pages;
	memcpy(&words[tables_end], t->page_rows, (t->pages + 1) * sizeof(uint32_t));
	memcpy(&words[tables_end + index], t->rows, t->row_count * sizeof(uint64_t));
	tables_end += (uint32_t)(index + t->row_count);
}

static void put_mapping(const struct maps_entry *e, struct unwind_mapping *m)
{
	int fd = open(e->path, O_RDONLY | O_CLOEXEC);
	struct elf_file *elf = elf_file_open(fd);
	struct unwind_table t;
	uint64_t bias;

	*m = (struct unwind_mapping){.start = e->start, .end = e->end};
	assert_non_null(elf);
	assert_true(elf_file_bias(elf, e->start, e->offset, &bias));
	elf_file_close(elf);
	if (!unwind_build(fd, -1, &t))
		put_table(&t, m);
	m->base = bias + t.base;
	unwind_table_done(&t);
	close(fd);
}

/* All code of this program. */
static uint64_t publish_own(void)
{
	struct unwind_mapping list[LIST_ROOM];
	struct maps_entry e;
	uint32_t count = 0;
	struct maps maps;

	tables_end = TABLE_AT;
	memory_bytes = 0;
	assert_int_equal(maps_open(&maps, getpid()), 0);
	while (count < LIST_ROOM && maps_next(&maps, &e)) {
		if (e.execute && maps_is_file(&e))
			put_mapping(&e, &list[count++]);
	}
	maps_close(&maps);
	return publish(list, count);
}

#pragma GCC diagnostic pop

#endif /* UNIT_UNWIND_WORLD_H */
