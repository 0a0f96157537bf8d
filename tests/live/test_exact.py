# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocator function, in every allocator and with every way of attaching: the figures are exact."""

import os
import re
import signal

from lib import (THROUGH_LIBRARY, Skip, check, check_summary, check_totals, check_truth, equal, find_library,
                 need, need_method, outstanding, read_blocks, read_sites, read_text, rows_of, site_of, target_path, test, trace_exactly, until)

# One address in glibc before 2.38: either name is right.
ALIASES = {"aligned_alloc": "memalign"}
MIMALLOC = ("libmimalloc.so.3", "libmimalloc.so.2.0", "libmimalloc.so.2")


def every(case, *options, name="every", **more):
    return trace_exactly(case, case.target(name, **more), *options)


def interposed(case, name, *libraries):
    return trace_exactly(case, case.target(name, env={"LD_PRELOAD": find_library(*libraries)}))


@test()
def every_function__glibc__exact(case):
    sites, summary = every(case)
    equal(summary.events, sites.total("alloc_count") + sites.total("free_count"), "events")


@test()
def every_function__glibc_static__exact(case):
    every(case, name="every-static")


@test()
def every_function__musl_static__exact(case):
    every(case, name="every-musl-static")


@test()
def every_function__musl__exact(case):
    every(case, name="every-musl")


@test()
def every_function__tcmalloc_preloaded__exact(case):
    interposed(case, "every", "libtcmalloc_minimal.so.4")


@test()
def every_function__mimalloc_preloaded__exact(case):
    interposed(case, "every", *MIMALLOC)


@test()
def every_function__jemalloc_preloaded__exact(case):
    interposed(case, "every", "libjemalloc.so.2")


@test()
def every_function__own_allocator_in_the_executable__exact(case):
    every(case, name="own")


@test()
def every_function__attach_session__exact(case):
    need_method("session")
    every(case, "--attach-method", "session")


@test()
def every_function__attach_multi__exact(case):
    need_method("multi")
    every(case, "--attach-method", "multi")


@test()
def every_function__attach_perf__exact(case):
    every(case, "--attach-method", "perf")


@test()
def every_function__api_column__names_the_function_called(case):
    target = case.target("every")
    sites, _ = trace_exactly(case, target)
    rows, said = {}, {}
    for row in sites.last():
        rows.setdefault(ALIASES.get(row["api"], row["api"]), []).append(row)
    for api, values in target.truth.items():
        if len(values) == 2 and not api.startswith("site_"):
            api = ALIASES.get(api, api)
            said[api] = [sum(pair) for pair in zip(said.get(api, [0, 0]), values)]
    equal({api: outstanding(of) for api, of in rows.items()}, said, "outstanding bytes and count of each function")


@test()
def every_function__first_frame__is_the_caller_of_the_allocator(case):
    sites, _ = every(case)
    for row in sites.last():
        if site_of(row) and site_of(row) != "site_strdup":
            equal(row["function"], site_of(row), "function")
            check(row["source"].split(":")[0].endswith(".c"), f"source of {row['function']}: {row['source']!r}")
            equal(row["stack"].split(";")[-1], row["function"], "last frame of the stack")
            check({"main", "start_thread"} & set(row["stack"].split(";")), f"neither main nor a thread: {row['stack']}")


@test()
def every_function__called_by_the_c_library__site_is_found(case):
    target = case.target("every")
    sites, _ = trace_exactly(case, target)
    equal(outstanding(rows_of(sites.last(), THROUGH_LIBRARY)), target.truth[THROUGH_LIBRARY],
          f"outstanding bytes and count of {THROUGH_LIBRARY}")


@test(120)
def stacks__random_without_frame_pointers__as_backtrace_says(case):
    """Ten thousand stacks, each compared with what glibc's unwinder found at the same place."""
    target = case.target("unwind", 10000)
    paths, blocks = case.path("sites.csv"), case.path("blocks.csv")
    tracer = case.attach(target, "--csv", paths, "--csv-blocks", blocks)
    target.work(60)
    tracer.stop(seconds=60)
    target.finish()
    equal(check_summary(tracer, read_sites(paths), target.pid).lost, 0, "lost events")
    said = {int(word[1]): word[2] for word in map(str.split, target.out.lines) if word[0] == "path"}
    stacks = {row["site"]: row["stack"].split(";") for row in read_sites(paths).last(target.pid)}
    check(len(said) >= 10000, f"only {len(said)} paths")
    wrong = []
    for row in read_blocks(blocks):
        stack = stacks[row["site"]]
        letters = "".join(name[5] for name in stack if name.startswith("path_"))
        path = said.pop(int(row["address"], 16), None)
        if path and (letters != path or not {"main", "start_thread"} & set(stack)):
            wrong.append((letters, path))
    check(not said, f"{len(said)} blocks are missing")
    check(not wrong, f"{len(wrong)} stacks are wrong, the first as {wrong[:1]}")


def operators(case, *libraries):
    """All of new and delete in sum, and exceptions still caught. The exception objects are not the program's own: no
    totals of allocations. What a program that fails untraced does under the tracer is no test."""
    environment = {"LD_PRELOAD": find_library(*libraries)} if libraries else {}
    plain = case.start(target_path("cxx"), "--now", env=environment)
    if plain.wait() != 0:
        raise Skip(f"{os.path.basename(environment['LD_PRELOAD'])} does not let the untraced program catch bad_alloc")
    target = case.target("cxx", env=environment)
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    truth = target.work()
    tracer.stop()
    target.finish()
    equal(truth["caught"], [2], "exceptions that were caught")
    sites = read_sites(path)
    equal(check_summary(tracer, sites, target.pid).lost, 0, "lost events")
    equal(outstanding(sites.last()), truth["outstanding_bytes"] + truth["outstanding_count"], "outstanding")
    return truth, sites.last()


@test()
def operator_new__sites__are_the_callers_of_the_operators(case):
    check_truth(*operators(case))


@test()
def operator_new__libstdcxx__exact_and_exceptions_pass(case):
    operators(case)


@test()
def operator_new__jemalloc_preloaded__exact_and_exceptions_pass(case):
    operators(case, "libjemalloc.so.2")


@test()
def operator_new__tcmalloc_preloaded__exact_and_exceptions_pass(case):
    operators(case, "libtcmalloc_minimal.so.4")


@test()
def operator_new__mimalloc_preloaded__exact_and_exceptions_pass(case):
    operators(case, *MIMALLOC)


@test()
def mallocx__jemalloc__exact(case):
    # A resize in place is neither an allocation nor a free to the program: no totals.
    trace_exactly(case, case.target("mallocx"), totals=False)


@test()
def threads__freed_by_another__exact(case):
    trace_exactly(case, case.target("threads"))


@test()
def threads__attach_multi__exact(case):
    need_method("multi")
    trace_exactly(case, case.target("threads"), "--attach-method", "multi")


@test()
def threads__attach_perf__exact(case):
    trace_exactly(case, case.target("threads"), "--attach-method", "perf")


@test()
def churn__pairs__all_recorded_and_nothing_left(case):
    sites, summary = trace_exactly(case, case.target("churn", 100003))
    equal(summary.events, sites.total("alloc_count") + sites.total("free_count"), "events")


@test()
def churn__many_live_blocks__exact(case):
    trace_exactly(case, case.target("churn", 200003, 50021))


@test()
def churn__size_limit_that_all_keep__exact(case):
    """With a limit the kernel side keeps a table of what is recorded, and sends no other free."""
    for options in (("-z", "1"), ("-Z", "1G"), ("-z", "1", "-f")):
        trace_exactly(case, case.target("churn", 100003, 20011), *options)
        trace_exactly(case, case.target("threads"), *options)


@test()
def churn__more_blocks_than_the_table_of_recorded_ones__exact(case):
    """From then on every free is sent, as without a limit."""
    trace_exactly(case, case.target("churn", 1300003, 1100009), "-z", "1")


@test()
def leak__beside_a_healthy_cache__exact(case):
    target = case.target("leak", 1009, 103)
    path = case.path("sites.csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", path)
    target.go()
    for _ in range(4):
        tracer.out.wait_for("stacks with outstanding allocations:$")
    target.close_stdin()
    truth = target.wait_done()
    tracer.end()
    sites = read_sites(path)
    check_truth(truth, sites.last())
    check_totals(truth, sites.last())
    check_summary(tracer, sites, target.pid)
    check(truth["site_leak"][1] > 0, "nothing leaked")


@test()
def stacks__many_different__each_is_a_site(case):
    target = case.target("stacks", 1009)
    sites, _ = trace_exactly(case, target)
    rows = rows_of(sites.last(), "site_leaf")
    equal(len(rows), 1009, "sites")
    equal({row["outstanding_count"] for row in rows}, {1}, "blocks of each site")
    equal(len({row["stack"] for row in rows}), 1009, "different stacks")


@test(120)
def stacks__200000_different__exact_in_bounded_memory(case):
    target = case.target("stacks", 200000)
    path = case.path("sites.csv")
    tracer = case.attach(target, "-i", "600", "--csv", path)
    target.work(60)
    tracer.signal(signal.SIGINT)
    peaks = [0]

    def ended():
        found = re.search(r"^VmHWM:\s*(\d+) kB", read_text(f"/proc/{tracer.pid}/status"), re.M)
        peaks.append(int(found.group(1)) if found else 0)
        return not tracer.running()

    until(ended, "the tracer to end", 60)
    target.finish()
    summary = tracer.summary()
    equal((summary.lost, summary.bytes, summary.stacks), (0, 200000 * 41, 200000), "lost, bytes and stacks")
    with open(path, encoding="utf-8") as file:
        equal(sum(",site_leaf," in line for line in file), 200000, "rows of site_leaf")
    check(0 < max(peaks) < 512 * 1024, f"peak memory {max(peaks)} KB")


@test()
def realloc_race__moves_against_mallocs__exact(case):
    trace_exactly(case, case.target("realloc_race"), seconds=40)


@test()
def blocks__csv_blocks__agrees_with_the_truth(case):
    target = case.target("every")
    sites_path, blocks_path = case.path("sites.csv"), case.path("blocks.csv")
    tracer = case.attach(target, "--csv", sites_path, "--csv-blocks", blocks_path)
    truth = target.work()
    tracer.stop()
    sites, blocks = read_sites(sites_path), read_blocks(blocks_path)
    check_truth(truth, sites.last())
    summary = check_summary(tracer, sites, target.pid)
    equal((len(blocks), sum(block["bytes"] for block in blocks)), (summary.count, summary.bytes),
          "count and bytes of the listed blocks")
    of_site = {row["site"]: row for row in sites.last()}
    for site, row in of_site.items():
        mine = [block for block in blocks if block["site"] == site]
        equal((len(mine), sum(block["bytes"] for block in mine)),
              (row["outstanding_count"], row["outstanding_bytes"]), f"blocks of site {site} ({row['function']})")
    equal({block["site"] for block in blocks} - set(of_site), set(), "sites that only blocks know")


@test()
def mmap_class__partial_unmaps_and_moves__exact(case):
    target = case.target("mmaps")
    sites, _ = trace_exactly(case, target, "--mmap")
    for api in ("mmap", "mremap"):
        equal(outstanding([row for row in sites.last() if row["api"] == api]), target.truth[api], f"pieces of {api}")


@test()
def mmap_race__unmaps_against_maps__exact(case):
    """Under the tracer a range is handed on before munmap's return is seen, hundreds of times."""
    target = case.target("mmap_race")
    trace_exactly(case, target, "--mmap", seconds=40, totals=False)
    print(f"    ranges handed on during their munmap: {target.truth['races'][0]}")


@test()
def mmap_class__not_asked_for__absent(case):
    target = case.target("mmaps")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    target.work()
    tracer.stop()
    sites = read_sites(path)
    equal([row["api"] for row in sites.rows if row["api"] in ("mmap", "mremap")], [], "rows of the mmap class")


@test()
def loss__tracer_stopped_while_the_target_churns__counted(case):
    target = case.target("churn", 3000000)
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    tracer.signal(signal.SIGSTOP)
    target.go()
    truth = target.wait_done(50)
    tracer.signal(signal.SIGCONT)
    tracer.stop()
    summary = check_summary(tracer, read_sites(path), target.pid)
    check(summary.lost > 0, "the ring cannot have held all this, but no event was counted as lost")
    done = truth["alloc_count"][0] + truth["free_count"][0]
    check(summary.events < done, f"{summary.events} events recorded of {done}, though some were lost")
    check(summary.events + summary.lost <= done + 100, f"{summary.events} recorded + {summary.lost} lost > {done}")
    target.finish()


@test()
def loss__after_it__figures_heal(case):
    """Blocks handed out again at a live address mean that a free was missed: what is outstanding stays small."""
    target = case.target("churn", 3000000)
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    tracer.signal(signal.SIGSTOP)
    target.go()
    target.wait_done(50)
    tracer.signal(signal.SIGCONT)
    tracer.stop()
    check(tracer.summary(target.pid).count < 100000, "blocks whose free was lost pile up")
    target.finish()


@test()
def traced_program__its_own_results__as_untraced(case):
    plain = case.target("every")
    expected = plain.work()
    traced = case.target("every")
    tracer = case.attach(traced)
    equal(traced.work(), expected, "truth of the traced program")
    tracer.stop()
    traced.finish()
    plain.finish()


@test()
def object_option__library_given__traced(case):
    target = case.target("every")
    tracer = case.attach(target, "-O", target_path("every"))
    target.work()
    tracer.stop()
    target.finish()


@test()
def bits_32__other_machine__refused_with_words(case):
    need("gcc")
    path = case.path("small")
    source = case.path("small.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write("#include <unistd.h>\nint main(void)\n{\n\tchar c;\n\treturn read(0, &c, 1) < 0;\n}\n")
    build = case.start("gcc", "-m32", "-o", path, source)
    if build.wait() != 0:
        raise Skip("gcc cannot build for 32 bits here (gcc-multilib)")
    small = case.start(path)
    tracer = case.run("-b", "-p", small.pid)
    equal(tracer.wait(), 1, "exit status")
    check("32" in tracer.err.text(), f"no word about 32 bits: {tracer.err.text()}")
