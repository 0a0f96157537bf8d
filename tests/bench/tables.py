# SPDX-License-Identifier: GPL-2.0-or-later
"""What is shown of a run: a table for each workload, then what stacks, tools and attaching cost."""

import times
import ways
import workloads
from results import cell, show


def way_row(output, workload, way):
    """One way of one workload."""
    def of(metric):
        return output.of(workload.name, way.name, metric)
    if way.missing():
        return [way.name, f"{way.missing()} is not installed"] + ["-"] * 9
    against_floor = output.ratios(workload.name, way.name, way.floor) if way.floor else []
    wall = of("wall") if workload.wall else []
    rates = output.ratios(workload.name, way.name, way.floor, "rate") if way.floor else []
    native_rates = output.ratios(workload.name, way.name, "native", "rate")
    return [way.name, cell(of("target")), cell(output.ratios(workload.name, way.name, "native"), 2),
            cell(against_floor, 3), cell(wall, spread=False), cell(of("tool")), cell(of("tool-share"), spread=False),
            cell(of("total"), spread=False), cell(of("rate")), cell(native_rates, 2), cell(rates, 3)]


def show_workload(plan, output, workload):
    columns = ["way", f"target, ns/{workload.unit}", "x native", "x floor", "wall, ns", "tool, ns", "tool, % of a core",
               "total, ns", f"{workload.unit}s/s", "of native", "of floor"]
    rows = [way_row(output, workload, way) for way in ways.ALL
            if output.of(workload.name, way.name, "target") or (way.missing() and way in plan.ways(workload))]
    if rows:
        show(f"{workload.name}: {workload.say}", columns, rows)


def stack_row(output, frames, stacks):
    name = workloads.pairs_name(frames, stacks)

    def less_base(workload, way, metric="bpf"):
        return cell(output.differences((workload, way), (name, "ring-only"), metric))
    return [str(frames), str(stacks), cell(output.of(name, "ring-only", "bpf")), less_base(name, "tracer"),
            less_base(name, "no-memo"), less_base(name, "tracer", "bpf-cold"), less_base(f"fp-{name}", "walker")]


def show_stacks(output):
    rows = [stack_row(output, frames, stacks) for frames in (6, 18, 40) for stacks in (1, workloads.ALTERNATING)]
    rows = [row for row in rows if any(text != "-" for text in row[2:])]
    if rows:
        show("what a stack costs: ns that BPF programs run for a pair; all columns but the first less that",
             ["frames", "stacks", "without stacks", "by tables", "without memo", "never seen before",
              "by the kernel's walker"], rows)


def show_tools(plan, output):
    rows = []
    for group in plan.groups:
        for way in ways.ALL:
            def of(metric):
                return output.of(group.name, way.name, metric)
            if any(of("tool-memory")):
                rows.append([group.name, way.name, cell(of("tool-memory"), scale=1e-6),
                             cell(of("events"), spread=False), cell(of("tool-event")), cell(of("lost"))])
    if rows:
        show("what the tools take themselves",
             ["program", "way", "highest memory, MB", "events", "ns/event", "events lost"], rows)


def show_times(output):
    rows = []
    for name in times.TARGETS:
        for way in ("tracer", "tracer-kept"):
            def of(metric):
                return output.of(f"attach-{name}", way, metric)
            if of("attach"):
                rows.append([name, cell(output.of(f"attach-{name}", "tracer", "code"), spread=False), way,
                             *(cell(of(metric), 3) for metric in ("attach", "first-screen", "detach", "quit"))])
    if rows:
        show("seconds to attach, to the first screen, to detach (kept: unwind tables from the cache)",
             ["program", "MB of code", "way", "attach", "first screen", "detach", "quit the screen"], rows)


def show_legend(output):
    measured = {way for _, way, _ in output.values}
    for way in ways.ALL:
        if way.name in measured:
            print(f"{way.name:10} {way.say}")
    if measured & {"sampled", "filtered"}:
        print("x floor: of `entries` for sampled and filtered, which need no return")


def show_all(plan, output, left_out):
    print()
    show_legend(output)
    for group in plan.groups:
        for workload in group.workloads:
            show_workload(plan, output, workload)
    show_stacks(output)
    show_tools(plan, output)
    show_times(output)
    for what, why in left_out.items():
        print(f"\nnot measured: {what}: {why}")
