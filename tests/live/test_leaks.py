# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts on a real program, with a window of six seconds instead of half a minute."""

from lib import check, equal, site_of, sites_so_far, test, until

LEAKS = {"site_leak_partial", "site_leak_slow", "site_leak_realloc"}


def called(path):
    """The sites that were a leak in any snapshot so far."""
    return {site_of(row) for row in sites_so_far(path) if row["verdict"] == "leak"}


@test(60)
def leaks__beside_healthy_sites__these_alone_with_reasons(case):
    program, sites = case.target("leaks"), case.path("sites.csv")
    program.go()
    tracer = case.attach(program, "-v", "-i", "0.5", "--leak-window", "6", "--leak-interval", "0.2", "--csv", sites)
    until(lambda: LEAKS <= called(sites), "all leaks to be called leaks", 40)
    tracer.stop()
    program.close_stdin()
    equal(called(sites), LEAKS, "sites that were called a leak")
    report = tracer.out.text()
    check("verdict leak" in report and "are still there]" in report, f"no reason for a leak: {report[-3000:]}")
