# SPDX-License-Identifier: GPL-2.0-or-later
"""What tracing costs the target: always said."""

import re

from lib import check, test, until

COST = re.compile(r"^\t\(tracing takes about ([\d.]+)% of the processor time of the traced processes, ([\d.]+)% of a core\)$", re.M)
TOOK = re.compile(r"^tracer: tracing took about ([\d.]+) s, ([\d.]+)% of the processor time of the traced processes$")


def took(tracer):
    """Seconds and percent, of the line on stderr."""
    line = next((line for line in tracer.err.lines if TOOK.match(line)), None)
    check(line, "no cost on stderr")
    return tuple(float(number) for number in TOOK.match(line).groups())


@test(alone=True)
def cost__target_that_only_allocates__nearly_all_of_its_time(case):
    target = case.target("churn", 300000)
    tracer = case.attach(target, "-i", "0.1")
    target.work(seconds=60)
    until(lambda: COST.search(tracer.out.text()), "a report that says the cost")
    tracer.stop()
    tracer.summary(target.pid)
    seconds, percent = took(tracer)
    check(seconds > 0.02, f"300,000 pairs cost {seconds} s")
    check(percent > 50, f"a program that does nothing else than allocate: {percent}%")


@test(alone=True)
def cost__target_that_sleeps__nothing(case):
    target = case.target("every")
    tracer = case.run("-b", "-p", target.pid, "0.3", "2")
    cost = COST.findall(tracer.out.text())
    check(cost, "no cost in the reports")
    check(cost[-1] == ("0.0", "0.0"), f"cost of nothing: {cost}")


@test(alone=True)
def cost__quiet__not_said(case):
    target = case.target("every")
    tracer = case.run("-q", "-b", "-p", target.pid, "0.3", "1")
    check(not any(TOOK.match(line) for line in tracer.err.lines), "said in spite of -q")
    tracer.summary(target.pid)


@test(alone=True)
def cost__short_command__its_processor_time_is_known(case):
    """It ends between two reports: its time is taken at its end."""
    tracer = case.tracer("--", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; /bin/true")
    tracer.end()
    seconds, percent = took(tracer)
    check(0 < percent < 100, f"{percent}% of the time of a shell, {seconds} s")
