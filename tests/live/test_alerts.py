# SPDX-License-Identifier: GPL-2.0-or-later
"""Each figure that --alert knows, by a program that makes it cross its limit, come back, and cross it again."""

import os
import re
import signal

from lib import check, equal, read_text, tell, test, until
from test_counters import SMALL_RINGS

MB = 1 << 20
SOON = ("-i", "0.2", "--leak-interval", "0.1", "--leak-window", "2")


def begin(case, rule, *options):
    """A tide under a tracer with this rule; its commands from now on are recorded."""
    target = case.target("tide")
    tracer = case.attach(target, *SOON, "--alert", rule, *options)
    target.go()
    return target, tracer


def fired(tracer, rule):
    """How often, with which figures, in words."""
    return re.findall(rf"^tracer: alert {re.escape(rule)}: \d+ \(\w+\) has (.*)$", tracer.err.text(), re.M)


def over(tracer, rule):
    return tracer.err.text().count(f"tracer: alert {rule} is over: ")


def until_seen(tracer, count, size):
    """A report of so many blocks of one site: the rules were looked at with the same figures before it was written."""
    tracer.out.wait_for(rf"^\t{count * size} bytes in {count} allocations from stack$")


def check_so_far(tracer, rule, alerts, overs, when):
    """What was written before the report comes by another pipe, maybe a moment later. One too many fails here or in what follows."""
    until(lambda: (len(fired(tracer, rule)), over(tracer, rule)) == (alerts, overs), f"{alerts} alerts and {overs} times over {when}")


def check_end(tracer, target, rule, alerts, overs):
    target.close_stdin()
    target.wait_done()
    tracer.end(status=3)
    equal(len(fired(tracer, rule)), alerts, f"alerts: {fired(tracer, rule)}")
    check(over(tracer, rule) >= overs, f"{over(tracer, rule)} times over")


@test()
def alert__outstanding_up_and_down__again_only_after_it_was_back(case):
    rule = "outstanding>10M"
    target, tracer = begin(case, rule)
    for command, blocks, alerts, overs in (("+f 10", 10, 0, 0), ("+f 2", 12, 1, 0), ("-f 2", 10, 1, 0), ("+f 3", 13, 1, 0),
                                           ("-f 3", 10, 1, 0), ("-f 1", 9, 1, 1), ("+f 1", 10, 1, 1), ("+f 2", 12, 2, 1)):
        tell(target, command)
        until_seen(tracer, blocks, MB)
        check_so_far(tracer, rule, alerts, overs, f"at {blocks} MB")
    check_end(tracer, target, rule, 2, 1)
    equal(fired(tracer, rule), ["12.0M", "12.0M"], "figures of the alerts")


@test()
def alert__outstanding_below__on_the_other_side(case):
    rule = "outstanding<4M"
    target, tracer = begin(case, rule)
    until(lambda: len(fired(tracer, rule)) == 1, "an alert at the beginning")
    for command, blocks, alerts, overs in (("+f 4", 4, 1, 0), ("+f 1", 5, 1, 1), ("-f 2", 3, 2, 1)):
        tell(target, command)
        until_seen(tracer, blocks, MB)
        check_so_far(tracer, rule, alerts, overs, f"at {blocks} MB")
    check_end(tracer, target, rule, 2, 1)


@test()
def alert__rss__of_memory_that_is_touched(case):
    rule = "rss>64M"
    target, tracer = begin(case, rule)
    tell(target, "+m 100")
    until_seen(tracer, 100, MB)
    equal(fired(tracer, rule), [], "alerts, of memory that is not touched")
    for time in (1, 2):
        tell(target, "+f 80")
        until(lambda: len(fired(tracer, rule)) == time, f"alert {time}")
        tell(target, "-f 80")
        until(lambda: over(tracer, rule) == time, f"end {time}")
    check_end(tracer, target, rule, 2, 2)


@test()
def alert__rate__while_it_allocates(case):
    rule, facts = "rate>5k/s", case.path("facts")
    target, tracer = begin(case, rule, "--on-alert", f"echo $TRACER_ALLOCS_PER_S >>{facts}")
    for time in (1, 2):
        until(lambda: tell(target, "~ 5000") or len(fired(tracer, rule)) == time, f"alert {time}")
        until(lambda: over(tracer, rule) == time, f"end {time}")
    check_end(tracer, target, rule, 2, 2)
    rates = [int(line) for line in read_text(facts).split()]
    check(len(rates) == 2 and min(rates) > 5000, f"rates at which the command ran: {rates}")


@test()
def alert__growth__while_it_grows(case):
    rule = "growth>10k/s"
    target, tracer = begin(case, rule)
    for time in (1, 2):
        until(lambda: tell(target, "+a 100") or len(fired(tracer, rule)) == time, f"alert {time}")
        until(lambda: over(tracer, rule) == time, f"end {time}")
    check_end(tracer, target, rule, 2, 2)
    check(all(word.endswith("/s") for word in fired(tracer, rule)), f"figures: {fired(tracer, rule)}")


@test()
def alert__leaks__as_many_as_the_verdicts(case):
    program, facts = case.target("leaks"), case.path("facts")
    program.go()
    tracer = case.attach(program, "-i", "0.5", "--leak-window", "6", "--leak-interval", "0.2", "--alert", "leaks>2", "--alert",
                         "leaks>1000", "--on-alert", f"echo $TRACER_ALERT_METRIC $TRACER_LEAK_SITES >{facts}.new; mv {facts}.new {facts}")
    until(lambda: os.path.exists(facts), "the alert", 40)
    tracer.stop(status=3)
    program.close_stdin()
    equal(fired(tracer, "leaks>2"), ["3"], "alerts")
    equal(read_text(facts), "leaks 3\n", "facts")


@test()
def alert__lost__when_the_rings_are_full(case):
    rule = "lost>0"
    target = case.target("losses", "fill")
    os.sched_setaffinity(target.pid, {min(os.sched_getaffinity(target.pid))})
    tracer = case.attach(target, *SOON, "--alert", rule, "--alert", "lost>1000k", env=SMALL_RINGS)
    tracer.signal(signal.SIGSTOP)
    until(lambda: ") T " in read_text(f"/proc/{tracer.pid}/stat"), "the tracer to stop")
    target.work()
    equal(fired(tracer, rule), [], "alerts before it could look")
    tracer.signal(signal.SIGCONT)
    until(lambda: fired(tracer, rule), "the alert")
    target.finish()
    tracer.end(status=3)
    equal(len(fired(tracer, rule)), 1, "alerts")
    check(tracer.summary().lost > 0, "nothing was lost")
    equal(fired(tracer, "lost>1000k"), [], "alerts of the other rule")
