# SPDX-License-Identifier: GPL-2.0-or-later
"""What exactness buys: jemalloc's sampling profiler and the tracer look at the same Redis at the same time, from its start.

Both name call sites by the addresses of their stacks, so that they can be compared one by one. The tracer's figures are
what is true here: they are exact (tests/live). The profiler counts what blocks take (size classes), not what was asked
for, so its errors are taken against the size classes of the true blocks: they are those of sampling alone.
"""

import collections
import math
import os
import signal
import statistics

from loads import Redis, generate, lib

SAMPLE_BITS = 19


def fill(redis):
    """Some kinds of values, so that there are some call sites."""
    lib.need("redis-benchmark")
    for kind, count in (("set", 20000), ("lpush", 4000), ("hset", 4000), ("sadd", 4000), ("zadd", 4000)):
        generate("redis-benchmark", "-p", redis.port, "-t", kind, "-n", count, "-d", 1000, "-r", 50000, "-q")


def size_class(size):
    """What a block of so many bytes takes: multiples of 16 up to 128, then four steps for each doubling."""
    if size <= 8:
        return 8
    step = 16 if size <= 128 else 1 << ((size - 1).bit_length() - 3)
    return (size + step - 1) // step * step


def true_bytes(dump, blocks):
    """For each stack: bytes outstanding as they were asked for, and in size classes."""
    stacks, asked, taken = {}, collections.Counter(), collections.Counter()
    size = {int(row["address"], 16): row["bytes"] for row in lib.read_blocks(blocks)}
    for line in lib.read_text(dump).splitlines():
        words = line.split()
        if words[0] == "site":
            stacks[words[2]] = tuple(int(word, 16) for word in words[5:])
        elif int(words[3], 16) in size:
            stack, bytes_ = stacks[words[2]], size[int(words[3], 16)]
            asked[stack] += bytes_
            taken[stack] += size_class(bytes_)
    return asked, taken


def sampled_bytes(path, inside):
    """What the profiler's dump says of each stack, scaled as jeprof does; frames of the allocator itself left out."""
    text, totals = lib.read_text(path), collections.Counter()
    rate = int(text.split("\n", 1)[0].split("/")[1])
    stack = None
    for line in text.split("MAPPED_LIBRARIES")[0].splitlines():
        words = line.split()
        if words[:1] == ["@"]:
            stack = tuple(pc for pc in (int(word, 16) for word in words[1:]) if not inside(pc))
        elif words[:1] == ["t*:"] and stack:
            count, size = int(words[1].rstrip(":")), int(words[2])
            if count:
                totals[stack] += size / (1 - math.exp(-size / count / rate))
    return totals


def compare():
    """What the tracer knows, and what the profiler does."""
    case = lib.Case("sampled")
    try:
        dump, blocks, profile = case.path("dump"), case.path("blocks.csv"), case.path("profile")
        redis = Redis(case, {"MALLOC_CONF": f"prof:true,lg_prof_sample:{SAMPLE_BITS}", "TRACER_DUMP_STACKS": dump},
                      (lib.TRACER, "-b", "-i", "3600", "--csv-blocks", blocks, "--"), ("--enable-debug-command", "yes"))
        fill(redis)
        allocator = [(first, last) for first, last, _, path in lib.code_mappings(redis.pid) if "libjemalloc" in path]
        said = redis.ask("debug", "mallctl-str", "prof.dump", profile)
        if not os.path.exists(profile):
            raise lib.Skip(f"this Redis does not let its allocator dump its profile: {said.strip()}")
        redis.program.signal(signal.SIGTERM)
        lib.equal(redis.program.wait(60), 0, "exit status of the tracer")
        os.kill(redis.pid, signal.SIGTERM)
        return true_bytes(dump, blocks), sampled_bytes(profile, lambda pc: any(a <= pc < b for a, b in allocator))
    finally:
        case.close()


def figures():
    (asked, true), sampled = compare()
    total = sum(true.values())
    large = [stack for stack in true if true[stack] >= total / 100]
    errors = sorted(100 * abs(sampled[stack] - true[stack]) / true[stack] for stack in large)
    wrong = sum(abs(sampled[stack] - true[stack]) for stack in set(true) | set(sampled))
    return {
        "bytes outstanding, as asked for": (sum(asked.values()), None),
        "bytes outstanding, in size classes": (total, sum(sampled.values())),
        "call sites with outstanding blocks": (len(true), sum(1 for stack in true if sampled[stack])),
        "call sites with 1 % of the bytes or more": (len(large), sum(1 for stack in large if sampled[stack])),
        "error of one of those: median, %": (0, statistics.median(errors)),
        "error of one of those: largest, %": (0, errors[-1]),
        "sum of all errors, % of the bytes": (0, 100 * wrong / total),
        "stacks that only this one names": (0, sum(1 for stack in sampled if stack not in true)),
    }


def cell(value):
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) and value < 1000 else f"{value:,.0f}"


def show():
    print("\nWhat exactness buys: the same redis, filled, at the same moment; jemalloc's profiler samples every "
          f"{1 << SAMPLE_BITS >> 10} KB\n")
    try:
        rows = figures()
    except lib.Skip as skip:
        print(f"left out: {skip}")
        return {}
    print("| | tracer | jemalloc-prof |\n|---|---|---|")
    for name, values in rows.items():
        print(f"| {name} | " + " | ".join(map(cell, values)) + " |")
    print("\ntcmalloc's sampled profile can be had by the program itself alone (GetHeapSample), so it is not here.")
    return rows


if __name__ == "__main__":
    show()
