# SPDX-License-Identifier: GPL-2.0-or-later
"""-s: what a sample says, against programs whose heap is known. Bounds are six standard errors of the truth."""

import math
import re

from lib import check, check_summary, command, equal, outstanding, read_sites, rows_of, target_path, test

SIGMAS = 6
# The size of the blocks that are left.
SITES = {"site_small": 48, "site_product": 200, "site_aligned": 300, "site_before": 100, "site_grown": 700, "site_pair": 160,
         "site_thread": 96, "site_large": 500000, "site_nothing": 0, "site_new": 240, "site_array": 220, "site_little": 320,
         "site_string": 30}
RANGE = re.compile(r"^\t\t\[bytes (\S+), allocations (\S+|at least \S+), from (\d+) samples\]$", re.M)


def standard_error(size, count, mean):
    """Of the estimated number of blocks: each has its chance of being drawn, those of no bytes that of one byte."""
    chance = -math.expm1(-max(size, 1) / mean)
    return math.sqrt(count * (1 - chance) / chance)


def check_estimates(truth, rows, mean, sites=SITES):
    for site in sites:
        size, (true_bytes, true_count) = SITES[site], truth[site]
        error = SIGMAS * standard_error(size, true_count, mean)
        slack = 12 / -math.expm1(-max(size, 1) / mean) if true_count else 0  # few samples are skewed
        found_bytes, found_count = outstanding(rows_of(rows, site))
        print(f"    {site}: {found_count} of {true_count} blocks, +-{error / SIGMAS:.0f}")
        check(abs(found_count - true_count) <= error + slack, f"{site}: {found_count} blocks, true {true_count}, 6 sigma {error}")
        check(abs(found_bytes - true_bytes) <= size * (error + slack), f"{site}: {found_bytes} bytes, true {true_bytes}")


def check_sums(rows):
    for row in rows:
        for what in ("bytes", "count"):
            equal(row[f"alloc_{what}"] - row[f"free_{what}"], row[f"outstanding_{what}"], f"allocated - freed {what}")


def sample(case, mean, *options, program="sampled"):
    """The truth and the last rows of one run."""
    target = case.target(program)
    path = case.path(f"sites-{mean}.csv")
    tracer = case.attach(target, "--csv", path, "-s", mean, *options)
    truth = target.work()
    tracer.stop()
    sites = read_sites(path)
    check_summary(tracer, sites, target.pid)
    rows = sites.last(target.pid)
    check_sums(rows)
    return truth, rows, tracer


@test(120)
def sample__every_kind_of_call__within_its_error(case):
    for mean in (512, 1000, 8192):
        truth, rows, _ = sample(case, mean)
        equal({row["sampled"] for row in rows}, {"1"}, "the sampled column")
        check_estimates(truth, rows, mean)


@test()
def sample__library_that_passes_calls_on__within_its_error(case):
    """The calloc of musl calls its malloc. Its strdup has no unwind information: the site is not found."""
    truth, rows, _ = sample(case, 1000, program="sampled-musl")
    check_estimates(truth, rows, 1000, [site for site in SITES if site != "site_string"])


@test()
def sample__one_per_byte__exact(case):
    truth, rows, _ = sample(case, 1)
    equal({row["sampled"] for row in rows}, {"0"}, "the sampled column")
    for site in SITES:
        equal(outstanding(rows_of(rows, site)), truth[site], site)


@test()
def sample__largest_mean__only_what_is_as_large(case):
    """Of 51 MB, at one per TB."""
    target = case.target("sampled")
    tracer = case.attach(target, "-s", "1024G")
    target.work()
    tracer.stop()
    check(tracer.summary(target.pid).events < 8, "samples were drawn far too often")


@test()
def sample__with_sizes__within_its_error(case):
    truth, rows, _ = sample(case, 1000, "-z", "150", "-Z", "1000")
    inside = [site for site, size in SITES.items() if 150 <= size <= 1000]
    check_estimates(truth, rows, 1000, inside)
    for site in SITES:
        if site not in inside:
            equal(rows_of(rows, site), [], f"rows of {site}")


@test()
def sample__mappings__exact_beside_it(case):
    target = case.target("mmaps")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--mmap", "-s", "1M", "--csv", path)
    truth = target.work()
    tracer.stop()
    for api in ("mmap", "mremap"):
        rows = [row for row in read_sites(path).last() if row["api"] == api]
        equal(outstanding(rows), truth[api], f"pieces of {api}")


@test()
def sample__children__inherit_what_was_drawn(case):
    """Blocks from before a fork are freed in parent and child."""
    _, sites = command(case, "-s", "64", "-f", "--", target_path("forks"), "--now")
    for row in sites.last():
        equal(row["alloc_bytes"] - row["free_bytes"], row["outstanding_bytes"], "allocated - freed")


@test()
def sample__report__ranges_below_the_figures(case):
    target = case.target("sampled")
    tracer = case.attach(target, "-s", "4k", "-T", "100", "-i", "0.2")
    target.work()
    tracer.stop()
    text = tracer.out.text().split("Top 100 stacks")[-1]
    check("(sampled: one sample per 4096 bytes on average" in text, "the report does not say that it is sampled")
    check(re.search(r"^\t\(\d+ sampled: \d+ bytes in \d+ allocations outstanding; bytes \S+, allocations", text, re.M),
          "no totals with their error")
    stacks = text.count(" allocations from stack\n")
    check(stacks > 5, f"only {stacks} stacks")
    equal(len(RANGE.findall(text)), stacks, "ranges")
