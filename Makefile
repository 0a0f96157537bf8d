# SPDX-License-Identifier: GPL-2.0-or-later
# make              build/tracer
# make test         unit tests (no root)
# make test-live    tests with real processes (root)
# make test-go      the live tests of Go programs, with several toolchains (root; GOROOTS="/usr/lib/go-1.19 ...", ARGS="--only WORD")
# make test-harm    programs that tracing could break do the same while traced (root)
# make harm         the same as a table, with bpftrace beside it (root)
# make bench-tables what unwind tables cost: built, and from the cache (FILES=... for others)
# make fuzz         hostile input for every parser of what a target gives, FUZZ_SECONDS each (60)
# make truth        stacks against another unwinder's, for every way of compiling (root)
# make bench        what tracing costs, beside empty probes and other tools (root; ROUNDS=5, ONLY=pattern, QUICK=1)
# make bench-consume what an event costs the consumer (ARGS=--large: up to 100 M blocks, --replay FILE: of a recording, --csv FILE)
# make bench-view   what the live view costs and how soon it answers (root)
# make bench-attach how soon a program with 100 MB of code is on the screen, and its speed afterwards (root)
# make bench-servers throughput, latency and processor time of servers under load, in several ways of being traced (root)
# make leaks        how often verdicts are right, on labelled programs in simulated time (ARGS="--set blind --seeds 1000")
# make leaks-live   no site of redis, nginx and python3 under steady load is called a leak in two minutes (root)
# make bench-slices what an event costs where others are at work on the machine: the quickest of many short slices (root; ARGS=...)
# make bench-soak   threads at full speed beside the tracer on two CPUs: what is lost, what is exact (root; SECONDS=60)
# make bench-go     what --go-workload predicts beside what comes of it (root; GOROOTS=... for other versions of Go)
# make bench-go-heap what sampling its heap costs a Go program (root)
# make test-vm      the live tests on the kernels of other Debian releases, emulated
# make check        format, layers, warnings as errors, unit tests under sanitizers
# make install      binary, man page, shell completion (prefix, DESTDIR)
# V=1 shows commands, WERROR=1 makes warnings errors, SANITIZE=1 builds into build/san with ASan and UBSan.

VERSION := 0.1.0
O := build$(if $(SANITIZE),/san)
prefix ?= /usr/local
CC ?= gcc
CLANG ?= clang
OBJCOPY ?= objcopy
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
PROTOC ?= protoc-c
ARCH := x86

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(2)';)

WARN := -Wall -Wextra -Wshadow -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wformat=2 -Wwrite-strings -Wcast-align $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LIBS := libbpf libdw libelf capstone ncursesw libprotobuf-c libzstd zlib libmicrohttpd
override CFLAGS += -std=c11 -D_GNU_SOURCE -DTRACER_VERSION='"$(VERSION)"' $(WARN) -I$(O) \
	$(shell $(PKG_CONFIG) --cflags $(LIBS)) \
	$(if $(SANITIZE),$(SANITIZERS))
LDLIBS := $(shell $(PKG_CONFIG) --libs $(LIBS)) -liberty -lm -lpthread
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter \
	-Wno-address-of-packed-member -Wno-gnu-variable-sized-type-not-at-end $(if $(WERROR),-Werror) -Ivmlinux/$(ARCH) -Iinclude

SOURCES := $(wildcard user/*.c user/*/*.c)
PROFILE := $(O)/profile.pb-c
OBJECTS := $(SOURCES:%.c=$(O)/%.o) $(PROFILE).o
LIBRARY := $(O)/libtracer.a
# The longest first, so that nothing waits for it in the end.
UNIT := $(O)/unit/test_weeks $(filter-out %/test_weeks,$(patsubst tests/unit/%.c,$(O)/unit/%,$(wildcard tests/unit/test_*.c)))

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: all test test-live test-go live-programs test-harm harm harm-programs test-vm truth bench bench-programs bench-view bench-attach \
	bench-tables bench-consume bench-servers bench-slices bench-soak bench-go bench-go-heap fuzz leaks leaks-live check check-format format install uninstall clean targets
all: $(O)/tracer

$(O)/tracer: $(O)/user/main.o $(LIBRARY)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Each HTML page in two halves, as bytes between two symbols (user/export/html.c, difference_html.c).
PAGES := page difference
PAGE_HALVES := $(foreach page,$(PAGES),$(O)/$(page)_head $(O)/$(page)_tail)
$(O)/%_head.html $(O)/%_tail.html &: scripts/build-page.sh $(wildcard web/* web/vendor/*)
	@mkdir -p $(O)
	$(call say,PAGE,$(O)/$*_*.html)scripts/build-page.sh $* $(O)/$*_head.html $(O)/$*_tail.html

$(PAGE_HALVES:=.o): %.o: %.html
	$(call say,EMBED,$@)cd $(O) && $(LD) -r -b binary -z noexecstack -o $(*F).o $(*F).html
	$(Q)$(OBJCOPY) --rename-section .data=.rodata,alloc,load,readonly,data,contents \
		--redefine-sym _binary_$(*F)_html_start=html_$(*F) \
		--redefine-sym _binary_$(*F)_html_end=html_$(*F)_end $@

$(LIBRARY): $(filter-out $(O)/user/main.o,$(OBJECTS)) $(PAGE_HALVES:=.o)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

SKELETONS := $(O)/tracer.skel.h $(O)/selftest.skel.h $(O)/stall.skel.h $(O)/direct_map.skel.h
# two neighbouring figures read at once wait until what was written to each alone is in the cache
$(O)/user/heap/%.o: override CFLAGS += -fno-tree-slp-vectorize
$(O)/%.o: %.c | $(SKELETONS) $(PROFILE).h
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.pb-c.c $(O)/%.pb-c.h: user/export/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)$(PROTOC) --c_out=$(O) --proto_path=$(<D) $<

$(PROFILE).o: $(PROFILE).c
	$(call say,CC,$<)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@ $<

$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(O)/unit/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIBRARY) -lcmocka $(LDLIBS)

LEAKS := $(wildcard tests/leaks/*.c)
$(O)/leaks/matrix: $(LEAKS) $(wildcard tests/leaks/*.h) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $(LEAKS) $(LIBRARY) $(LDLIBS)

$(O)/screen_demo: tests/screen/screen_demo.c $(LIBRARY)
	$(call say,TEST,$@)$(CC) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIBRARY) $(LDLIBS)

$(O)/html_pages: tests/web/pages.c $(LIBRARY)
	$(call say,TEST,$@)$(CC) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIBRARY) $(LDLIBS)

$(O)/go/%: tests/go/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIBRARY) $(LDLIBS)

$(O)/bench/%: tests/bench/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIBRARY) $(LDLIBS)

test: $(UNIT)
	$(Q)scripts/run-unit.sh $(UNIT)

# All that the live and harm tests start, in one list for both ways to run them.
live-programs: targets bench-programs harm-programs $(O)/go/mprof $(O)/screen_demo $(O)/html_pages

test-live: all live-programs
	$(Q)scripts/run-live.sh

test-go: all live-programs
	$(Q)python3 -B -u tests/live/go_versions.py $(ARGS) $(GOROOTS)

test-harm: all harm-programs
	$(Q)python3 -B -u tests/harm/run.py

harm: all harm-programs
	$(Q)python3 -B -u tests/harm/run.py --table

harm-programs:
	$(Q)$(MAKE) --no-print-directory -C tests/harm O=$(abspath build)/harm

FUZZ_SECONDS ?= 60
fuzz:
	$(Q)tests/fuzz/run.sh $(FUZZ_SECONDS)

truth: all
	$(Q)python3 -B -u tests/live/truth.py -n 3000

bench: all bench-programs
	$(Q)python3 -B -u tests/bench/run.py $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ONLY),--only '$(ONLY)') $(if $(QUICK),--quick)

bench-programs: $(LIBRARY) $(patsubst %,$(O)/bench/%,view http_load soak echo)
	$(Q)$(MAKE) --no-print-directory -C tests/bench O=$(abspath build)/bench

bench-view: all bench-programs
	$(Q)python3 -B -u tests/bench/view.py

bench-attach: all bench-programs
	$(Q)python3 -B -u tests/bench/attach.py

test-vm: all targets harm-programs
	$(Q)scripts/test-vm.sh

TABLE_FILES := $(sort $(realpath $(wildcard /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/libstdc++.so.6 \
	/usr/lib/x86_64-linux-gnu/libpython3*.so.1.0 /usr/bin/node /usr/lib/x86_64-linux-gnu/libLLVM-*.so.1 \
	/usr/lib/x86_64-linux-gnu/libLLVM.so.*)))
bench-consume: bench-programs
	$(Q)build/bench/consume $(ARGS)

bench-tables: $(O)/bench/unwind_tables
	$(Q)$(O)/bench/unwind_tables $(or $(FILES),$(TABLE_FILES))

bench-servers: all bench-programs
	$(Q)python3 -B -u tests/bench/servers.py

bench-slices: all bench-programs
	$(Q)python3 -B -u tests/bench/slices.py $(ARGS)

leaks: $(O)/leaks/matrix
	$(Q)$(O)/leaks/matrix $(ARGS)

leaks-live: all bench-programs
	$(Q)python3 -B -u tests/leaks/live.py $(ARGS)

bench-go: all
	$(Q)python3 -B -u tests/bench/go_advice.py $(GOROOTS:%=--go %) $(ARGS)

bench-go-heap: all bench-programs
	$(Q)python3 -B -u tests/bench/go_heap.py $(ARGS)

bench-soak: all bench-programs
	$(Q)python3 -B -u tests/bench/soak.py --seconds $(or $(SECONDS),60)

targets:
	$(Q)$(MAKE) --no-print-directory -C tests/targets O=$(abspath build)/targets

format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h' | grep -v '^vmlinux/')

check-format:
	$(Q)clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h' | grep -v '^vmlinux/')

check: check-format
	$(Q)scripts/check-layers.sh
	$(Q)$(MAKE) --no-print-directory WERROR=1 all
	$(Q)$(MAKE) --no-print-directory SANITIZE=1 WERROR=1 test

install: all
	install -D -m 755 $(O)/tracer $(DESTDIR)$(prefix)/bin/tracer
	install -D -m 644 docs/tracer.8 $(DESTDIR)$(prefix)/share/man/man8/tracer.8
	install -D -m 644 scripts/tracer.bash $(DESTDIR)$(prefix)/share/bash-completion/completions/tracer

uninstall:
	rm -f $(DESTDIR)$(prefix)/bin/tracer $(DESTDIR)$(prefix)/share/man/man8/tracer.8 \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/tracer

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(O)/tracer.bpf.d $(UNIT:%=%.d) $(O)/screen_demo.d $(O)/html_pages.d $(O)/go/mprof.d \
	$(patsubst %,$(O)/bench/%.d,unwind_tables view http_load soak echo)
