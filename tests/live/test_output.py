# SPDX-License-Identifier: GPL-2.0-or-later
"""What is written where: reports, CSV files, the lines on stderr."""

import os
import re
import signal
import subprocess
import time

from lib import (BLOCK_COLUMNS, SITE_COLUMNS, TIMELINE_COLUMNS, Sites, check, check_summary, check_totals, check_truth,
                 command, equal, need, parse_table, read_blocks, read_sites, read_text, rows_of, site_of, target_path, test,
                 until)

HEADER = re.compile(r"^\[\d\d:\d\d:\d\d\] Top (\d+) stacks with outstanding allocations:$")
STACK = re.compile(r"^\t(\d+) bytes in (\d+) allocations from stack$")
FRAME = re.compile(r"^\t\t\S")


def reports(text):
    """[(N of Top N, [(bytes, count, [frames])])]"""
    found = []
    for line in text.split("\n"):
        header, stack = HEADER.match(line), STACK.match(line)
        if header:
            found.append((int(header.group(1)), []))
        elif stack and found:
            found[-1][1].append((int(stack.group(1)), int(stack.group(2)), []))
        elif FRAME.match(line) and found and found[-1][1]:
            found[-1][1][-1][2].append(line.strip())
    return found


def work_then_report(case, target, *options):
    """The last report of a tracer that has seen all of the target's work."""
    tracer = case.attach(target, "-i", "0.2", *options)
    target.work()
    seen = len(reports(tracer.out.text()))
    until(lambda: len(reports(tracer.out.text())) >= seen + 2, "two more reports")
    tracer.stop()
    return reports(tracer.out.text())[-1], tracer


@test()
def report__largest_first__and_sums_are_the_truth(case):
    target = case.target("every")
    path = case.path("sites.csv")
    (top, stacks), tracer = work_then_report(case, target, "-T", "1000", "--csv", path)
    equal(top, 1000, "Top")
    sizes = [size for size, _, _ in stacks]
    equal(sizes, sorted(sizes, reverse=True), "order of the stacks")
    rows = [row for row in read_sites(path).last() if row["outstanding_count"]]
    equal(sorted((size, count) for size, count, _ in stacks),
          sorted((row["outstanding_bytes"], row["outstanding_count"]) for row in rows), "stacks, report against CSV")
    check_truth(target.truth, rows)
    check(any("site_malloc+0x" in frame for _, _, names in stacks for frame in names), "no frame site_malloc+0x")


@test()
def report__frame__has_offset_module_file_and_line(case):
    (_, stacks), _ = work_then_report(case, case.target("every"), "-T", "1000")
    frame = next(f for _, _, names in stacks for f in names if f.startswith("site_malloc+"))
    check(re.match(r"^site_malloc\+0x[0-9a-f]+ \[every\] \(.*every\.c:\d+\)$", frame), f"malformed frame: {frame}")


@test()
def report__first_frame__is_never_the_allocator(case):
    (_, stacks), _ = work_then_report(case, case.target("every"), "-T", "1000")
    for _, _, names in stacks:
        check(names, "a stack without frames")
        check(not re.match(r"^(__libc_)?(malloc|calloc|realloc|free|_int_malloc)\b", names[0]),
              f"first frame {names[0]}")


@test()
def report__top__shows_so_many(case):
    (top, stacks), _ = work_then_report(case, case.target("stacks", 23), "-T", "3")
    equal((top, len(stacks)), (3, 3), "Top N and stacks shown")


@test()
def report__nothing_to_list__header_all_the_same(case):
    target = case.target("every")
    tracer = case.run("-b", "-p", target.pid, "0.2", "2")
    equal(tracer.wait(), 0, "exit status")
    equal([(top, stacks) for top, stacks in reports(tracer.out.text())], [(10, []), (10, [])], "reports")


@test()
def report__of_an_attached_process__says_that_its_past_is_missing(case):
    target = case.target("every")
    tracer = case.run("-b", "-p", target.pid, "0.2", "2")
    check(re.search(r"before", tracer.out.text() + tracer.err.text()), "not a word about the heap from before")


@test()
def report__show_allocs__lists_each_block(case):
    (_, stacks), tracer = work_then_report(case, case.target("every"), "-a", "-T", "1000")
    blocks = sum(count for _, count, _ in stacks)
    last = tracer.out.text().rsplit("stacks with outstanding allocations:", 1)[1]
    listed = re.findall(r"^\t+.*\b0x[0-9a-f]{6,}\b.*\b\d+\b", last, re.M)
    listed = [line for line in listed if not re.match(r"^\t\t\S+\+0x[0-9a-f]+ \[", line)]
    check(len(listed) == blocks, f"{len(listed)} blocks listed of {blocks}")


@test()
def report__older__young_blocks_left_out(case):
    (_, stacks), _ = work_then_report(case, case.target("every"), "-o", "600000")
    equal(stacks, [], "stacks with blocks older than ten minutes")


@test()
def blocks__older__young_blocks_left_out(case):
    target = case.target("every")
    path = case.path("blocks.csv")
    tracer = case.attach(target, "-o", "600000", "--csv-blocks", path)
    target.work()
    tracer.stop()
    equal(read_blocks(path), [], "listed blocks")


@test()
def older__old_blocks__stay(case):
    (_, stacks), _ = work_then_report(case, case.target("every"), "-o", "1", "-T", "1000")
    check(stacks, "nothing is older than a millisecond")


@test()
def count__positional__exactly_so_many_reports(case):
    target = case.target("every")
    for wanted in (1, 3):
        tracer = case.run("-b", "-p", target.pid, "0.2", wanted)
        equal(tracer.wait(), 0, "exit status")
        equal(len(reports(tracer.out.text())), wanted, "reports")
        tracer.summary(target.pid)


@test()
def interval__positional__kept(case):
    target = case.target("every")
    start = time.monotonic()
    tracer = case.attach(target, "1", "2")
    tracer.end()
    took = time.monotonic() - start
    check(1.9 <= took < 6, f"two reports at 1 s took {took:.2f} s")


@test()
def duration__over__ends_with_a_summary(case):
    target = case.target("every")
    tracer = case.attach(target, "-d", "1")
    start = time.monotonic()
    tracer.end()
    took = time.monotonic() - start
    check(0.5 <= took < 5, f"-d 1 took {took:.2f} s")
    tracer.summary(target.pid)
    check(target.running(), "the target has ended")


@test()
def csv_sites__intervals__changed_rows_and_a_last_snapshot(case):
    target = case.target("leak")
    path = case.path("sites.csv")
    target.go()
    tracer = case.attach(target, "-i", "0.2", "--csv", path)
    until(lambda: len(set(re.findall(r"^\d{4}-[^,]*", read_text(path), re.M))) >= 4, "four snapshots in the file")
    tracer.stop()
    sites = read_sites(path)
    check_summary(tracer, sites, target.pid)
    snapshots = list(sites.snapshots.values())
    before = {}
    for number, snapshot in enumerate(snapshots):
        for key, row in snapshot.items():
            past = before.get(key)
            if past:
                for column in ("alloc_bytes", "alloc_count", "free_bytes", "free_count", "peak_bytes"):
                    check(row[column] >= past[column], f"{column} of site {key} went back")
                changed = any(row[c] != past[c] for c in ("alloc_count", "free_count"))
                check(changed or number == len(snapshots) - 1, f"site {key} written again though it has not changed")
            before[key] = row
    equal(set(snapshots[-1]), set(before), "sites of the last snapshot: all that were ever there")


@test()
def csv_sites__same_program_twice__same_site_ids(case):
    ids = []
    for run in (1, 2):
        target = case.target("every")
        path = case.path(f"{run}.csv")
        tracer = case.attach(target, "--csv", path)
        target.work()
        tracer.stop()
        ids.append({row["site"] for row in read_sites(path).last() if site_of(row)})
        target.finish()
    check(ids[0], "no sites")
    equal(ids[0], ids[1], "site ids of two runs")


@test()
def csv_sites__dash__stdout_has_nothing_else(case):
    target = case.target("every")
    tracer = case.attach(target, "-i", "0.2", "--csv", "-")
    truth = target.work()
    tracer.stop()
    sites = Sites(tracer.out.text() + "\n")
    check_truth(truth, sites.last(target.pid))
    check_summary(tracer, sites, target.pid)


@test()
def csv_timeline__rows__one_a_process_and_interval(case):
    target = case.target("leak")
    target.go()
    path = case.path("timeline.csv")
    tracer = case.attach(target, "-i", "0.2", "--csv-timeline", path)
    until(lambda: read_text(path).count("\n") >= 5, "four rows in the file")
    tracer.stop()
    rows = parse_table(read_text(path), TIMELINE_COLUMNS)
    times = [row["time"] for row in rows]
    equal(times, sorted(set(times)), "times of the rows")
    for row in rows:
        equal(int(row["pid"]), target.pid, "pid")
        check(int(row["rss_bytes"]) > 0 or not target.running(), "rss_bytes")
        equal(row["lost_events"], "0", "lost_events")
        check(int(row["tracer_rss_bytes"]) > 0, "tracer_rss_bytes")
    check(int(rows[-1]["outstanding_bytes"]) > 0, "outstanding_bytes of a leaking program")
    equal(int(rows[-1]["outstanding_bytes"]), tracer.summary().bytes, "outstanding bytes, timeline against summary")
    for before, after in zip(rows, rows[1:]):
        if float(after["elapsed_s"]) - float(before["elapsed_s"]) < 0.09:
            equal(after["tracer_cpu_percent"], before["tracer_cpu_percent"], "share of a span that is too short for one")


@test()
def csv_files__nothing_happened__header_and_no_more(case):
    target = case.target("every")
    paths = [case.path(name) for name in ("sites", "blocks", "timeline")]
    tracer = case.attach(target, "--csv", paths[0], "--csv-blocks", paths[1], "--csv-timeline", paths[2])
    tracer.stop()
    for path, columns in zip(paths, (SITE_COLUMNS, BLOCK_COLUMNS, TIMELINE_COLUMNS)):
        equal(read_text(path).split("\n")[0], columns, "header")
    equal(read_text(paths[1]), BLOCK_COLUMNS + "\n", "CSV of no blocks")


@test()
def csv__full_device__message_and_failure(case):
    target = case.target("every")
    tracer = case.tracer("-b", "-i", "0.2", "-p", target.pid, "--csv", "/dev/full")
    equal(tracer.wait(), 1, "exit status")
    check(re.search(r"tracer: cannot .*'/dev/full'.*[Nn]o space", tracer.err.text()),
          f"message: {tracer.err.text()}")
    check(target.running(), "the target has ended")
    target.work()


@test()
def csv__symbolic_link__not_followed(case):
    target = case.target("every")
    real, link = case.path("real"), case.path("link")
    with open(real, "w", encoding="utf-8") as file:
        file.write("mine")
    os.symlink(real, link)
    tracer = case.run("-b", "-p", target.pid, "-d", "1", "--csv", link)
    equal(tracer.wait(), 1, "exit status")
    check(f"'{link}'" in tracer.err.text(), f"message: {tracer.err.text()}")
    equal(read_text(real), "mine", "the file behind the link")


@test()
def csv__directory_missing__message_and_failure_before_attaching(case):
    target = case.target("every")
    tracer = case.run("-b", "-p", target.pid, "-d", "5", "--csv", case.path("no/such/file"))
    equal(tracer.wait(), 1, "exit status")
    check("tracer: cannot " in tracer.err.text(), f"message: {tracer.err.text()}")
    check("attached to" not in tracer.err.text(), "attached first")


@test()
def csv__old_file__replaced(case):
    target = case.target("every")
    path = case.path("sites.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("old\n" * 100000)
    tracer = case.attach(target, "--csv", path)
    target.work()
    tracer.stop()
    check_truth(target.truth, read_sites(path).last())


@test()
def sigusr1__snapshot__now(case):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "-i", "600", "--csv", path)
    target.work()
    tracer.signal(signal.SIGUSR1)
    until(lambda: "site_malloc" in read_text(path), "rows in the file after SIGUSR1")
    check(tracer.running(), "the tracer has ended")
    tracer.stop()
    check_truth(target.truth, read_sites(path).last())


@test()
def sighup__output_renamed__goes_on_in_a_new_file(case):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "-i", "600", "--csv", path)
    os.rename(path, case.path("old.csv"))
    tracer.signal(signal.SIGHUP)
    until(lambda: os.path.exists(path), "a new file after SIGHUP")
    target.work()
    tracer.stop()
    check_truth(target.truth, read_sites(path).last())
    equal(read_text(case.path("old.csv")).split("\n")[0], SITE_COLUMNS, "header of the old file")


@test()
def stdout__reader_gone__ends_and_target_is_well(case):
    target = case.target("leak")
    target.go()
    read_end, write_end = os.pipe()
    tracer = case.tracer("-b", "-i", "0.2", "-p", target.pid, stdout=write_end)
    os.close(write_end)
    tracer.wait_attached(target.pid)
    os.close(read_end)
    status = tracer.wait()
    check(status in (0, 1, -signal.SIGPIPE), f"exit status {status}")
    check(target.running(), "the target has ended")


@test()
def summary__quiet__still_the_last_line(case):
    target = case.target("every")
    tracer = case.tracer("-q", "-b", "-p", target.pid, "-d", "1")
    tracer.end()
    equal(tracer.summary().pid, target.pid, "pid of the summary")
    equal(tracer.summary().comm, "every", "name in the summary")


@test()
def summary__several_processes__a_line_each(case):
    targets = [case.target("every") for _ in range(3)]
    path = case.path("sites.csv")
    tracer = case.tracer("-b", "-p", ",".join(str(t.pid) for t in targets), "--csv", path)
    for target in targets:
        tracer.wait_attached(target.pid)
    for target in targets:
        target.work()
    tracer.stop()
    equal(set(tracer.summaries()), {t.pid for t in targets}, "processes with a summary")
    sites = read_sites(path)
    for target in targets:
        check_truth(target.truth, sites.last(target.pid))
        check_summary(tracer, sites, target.pid)


@test()
def sizes__smallest_and_largest__others_not_recorded(case):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path, "--csv-blocks", case.path("all"))
    target.work()
    tracer.stop()
    everything = read_blocks(case.path("all"))
    for options, wanted in ((("-z", "1k"), lambda size: size >= 1024), (("-Z", "1k"), lambda size: size <= 1024),
                            (("-z", "100", "-Z", "4k"), lambda size: 100 <= size <= 4096)):
        target = case.target("every")
        tracer = case.attach(target, "--csv", path, "--csv-blocks", case.path("some"), *options)
        target.work()
        tracer.stop()
        some = read_blocks(case.path("some"))
        equal(sorted(block["bytes"] for block in some),
              sorted(block["bytes"] for block in everything if wanted(block["bytes"])), f"blocks with {options}")
        for row in read_sites(path).last():
            if row["alloc_count"] == 1:
                check(wanted(row["alloc_bytes"]), f"{row['alloc_bytes']} bytes in spite of {options}")


@test()
def names__control_characters__replaced(case):
    """A program chooses its own name: it must not reach a terminal as it is."""
    evil = case.path("a\x1b[31mb,\"c")
    os.symlink("/bin/sleep", evil)
    path = case.path("sites.csv")
    target = case.start(evil, "30")
    until(lambda: read_text(f"/proc/{target.pid}/comm").startswith("a\x1b"), "the name of the program")
    tracer = case.tracer("-b", "-p", target.pid, "-d", "1", "--csv", path)
    tracer.end()
    check("\x1b" not in tracer.err.text() + tracer.out.text(), "a control character reached the terminal")
    check("\x1b" not in read_text(path), "a control character reached the CSV")


@test()
def source_column__stripped_program__empty_but_counted(case):
    stripped = case.path("every-stripped")
    subprocess.run([need("strip"), "-o", stripped, target_path("every")], check=True)
    target = case.target(stripped)
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    truth = target.work()
    tracer.stop()
    sites = read_sites(path)
    equal(rows_of(sites.last(), "site_malloc"), [], "names of a stripped program")
    check_totals(truth, sites.last())
    check_summary(tracer, sites, target.pid)


@test()
def sample__poisson_by_bytes__scaled_and_marked(case):
    """20,000 blocks of 41 bytes at 512 bytes a sample: the estimate's standard error is 2.5 %; eight of them are allowed."""
    result, sites = command(case, "-s", "512", "--", target_path("stacks"), "--now", "20000")
    rows = sites.last()
    equal({row["sampled"] for row in rows}, {"1"}, "the sampled column")
    estimate = sum(int(row["outstanding_bytes"]) for row in rows)
    check(0.8 < estimate / 820000 < 1.2, f"{estimate} bytes estimated, 820000 are true")
    for row in rows:
        equal(int(row["alloc_bytes"]) - int(row["free_bytes"]), int(row["outstanding_bytes"]), "allocated - freed")
