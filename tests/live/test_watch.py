# SPDX-License-Identifier: GPL-2.0-or-later
"""Alerts, the baseline, pools, suppressions, and the process beside its heap."""

import os
import re

from lib import check, command, equal, read_sites, read_text, target_path, test, until

SINCE = re.compile(r"\[since the baseline: ([+-]\d+) bytes in ([+-]\d+) allocations, .* now (\d+) bytes in (\d+)\]")


@test()
def alert__crossing__once_with_facts_and_status_3(case):
    target = case.target("leak", 5000, 1009)
    facts = case.path("facts")
    tracer = case.attach(target, "-i", "0.2", "--leak-interval", "0.1", "--alert", "outstanding>1M",
                         "--alert", "outstanding>=1000G", "--alert", "lost>1000k",
                         "--on-alert", f"env | grep ^TRACER_ >{facts}.new; mv {facts}.new {facts}")
    target.go()
    line = tracer.err.wait_for(r"^tracer: alert (.*)$").group(1)
    check(re.match(rf"^outstanding>1M: {target.pid} \(leak\) has 1\.\d+M$", line), f"line of the alert: {line}")
    until(lambda: os.path.exists(facts), "facts of the alert")
    variables = dict(v.split("=", 1) for v in read_text(facts).splitlines())
    target.close_stdin()
    target.wait_done()
    tracer.end(status=3)
    equal(tracer.err.text().count("tracer: alert "), 1, "alerts")
    equal(variables["TRACER_ALERT"], "outstanding>1M", "TRACER_ALERT")
    equal(variables["TRACER_ALERT_METRIC"], "outstanding", "TRACER_ALERT_METRIC")
    equal(int(variables["TRACER_ALERT_LIMIT"]), 1 << 20, "TRACER_ALERT_LIMIT")
    equal(int(variables["TRACER_PID"]), target.pid, "TRACER_PID")
    equal(variables["TRACER_COMM"], "leak", "TRACER_COMM")
    equal(variables["TRACER_ALERT_VALUE"], variables["TRACER_OUTSTANDING_BYTES"], "value and outstanding bytes")
    check(int(variables["TRACER_OUTSTANDING_BYTES"]) > 1 << 20, "outstanding bytes are below the limit")
    check(int(variables["TRACER_RSS_BYTES"]) > 0, "no resident bytes")


@test()
def alert__at_the_end_only__command_runs_as_who_called_sudo(case):
    ran = case.path("ran")
    os.chmod(case.directory, 0o777)
    tracer = case.run("-i", "100", "--leak-interval", "100", "--leak-window", "100", "--alert", "outstanding>3k",
                      "--alert", "outstanding>4k", "--on-alert", f"echo $TRACER_ALERT by $(id -un) >>{ran}; exit 7",
                      "--", target_path("churn"), "--now", 101, env={"SUDO_UID": "65534"})
    equal(tracer.wait(), 3, "exit status")
    equal(read_text(ran), "outstanding>3k by nobody\n", "rules for which the command ran")
    check("' exited with status 7\n" in tracer.err.text(), "the command's exit status is not said")
    equal(tracer.summary().count, 17, "blocks in the last line, which is the summary")


@test()
def alert__none_fires__status_0(case):
    tracer = case.run("-q", "--alert", "outstanding>4k", "--alert", "lost>0", "--on-alert", f"touch {case.path('ran')}",
                      "--", target_path("churn"), "--now", 101)
    equal(tracer.wait(), 0, "exit status")
    check(not os.path.exists(case.path("ran")), "a command ran")


@test()
def baseline__reports_and_csv__change_and_absolute(case):
    target = case.target("leak", 1000, 1009)
    path = case.path("sites.csv")
    tracer = case.attach(target, "-v", "-a", "-i", "0.25", "--baseline", "0.6", "--csv", path)
    target.go()
    found = []
    while len(found) < 3:
        change, count, now, now_count = map(int, tracer.out.wait_for(SINCE.pattern).groups())
        if now == now_count * 1009:
            found.append((change, count, now, now_count))
    target.close_stdin()
    target.wait_done()
    tracer.end()
    then = {(now - change, now_count - count) for change, count, now, now_count in found}
    equal(len(then), 1, f"what was outstanding at the baseline, by three reports: {found}")
    bytes_then, count_then = then.pop()
    equal(bytes_then, count_then * 1009, "bytes at the baseline")
    check(count_then > 0, "nothing was outstanding at the baseline")
    last = tracer.out.text().split("stacks with outstanding allocations:")[-1]
    more = [int(size) for size, count in re.findall(r"^\t(\d+) bytes in (\d+) allocations from stack$", last, re.M)
            if int(size) == int(count) * 1009]
    leaks = [row for row in read_sites(path).last() if row["function"] == "site_leak"]
    equal([size + bytes_then for size in more], [row["outstanding_bytes"] for row in leaks], "change and baseline against CSV")
    equal(tracer.summary().bytes, sum(row["outstanding_bytes"] for row in read_sites(path).last()), "last line, absolute")
    for words in (r"\(change since the baseline, 0\.[67] s after the start", r"\tRSS|: RSS (grew|has hardly changed)",
                  r"\[resident \d+ of \d+ bytes in \d+ blocks"):
        check(re.search(words, tracer.out.text()), f"no words /{words}/")


@test()
def pools__churn__listed_and_what_stays_is_not(case):
    tracer = case.run("--pools", "-b", "--", target_path("churn"), "--now", 20011, 101)
    equal(tracer.wait(), 0, "exit status")
    section = tracer.out.text().split("Sites that a pool or a buffer used again would relieve: ")[-1]
    equal(section.split("\n")[0], "1", "sites")
    check(re.search(r"allocations/s of 64 bytes .*: a pool would spare .* calls/s, for 10\d blocks, ", section),
          f"no pool of 101 blocks: {section}")
    check("[20011 allocated so far" in section and "site_churn+0x" in section, f"no site_churn: {section}")
    check("site_keep" not in section, f"site_keep in: {section}")


@test()
def suppress__function__no_verdict(case):
    path = case.path("suppressions")
    with open(path, "w", encoding="utf-8") as f:
        f.write("# known\nleak:^site_keep$\n")
    tracer, sites = command(case, "--suppress", path, "--", target_path("churn"), "--now", 101)
    del tracer
    verdicts = {row["function"]: row["verdict"] for row in sites.last()}
    equal(verdicts.get("site_keep"), "", "verdict of site_keep")
    check(verdicts.get("site_churn"), f"verdicts: {verdicts}")


@test()
def suppress__bad_line__usage_error(case):
    path = case.path("suppressions")
    with open(path, "w", encoding="utf-8") as f:
        f.write("leak:a\nrace:b\n")
    tracer = case.run("--suppress", path, "--", "true")
    equal(tracer.wait(), 2, "exit status")
    check(f"line 2 of '{path}'" in tracer.err.text(), f"message: {tracer.err.text()}")
