# SPDX-License-Identifier: GPL-2.0-or-later
"""A few of the configurations of truth.py, with few stacks: `make truth` is the whole."""

import truth
from lib import check, test

STACKS = 1000


def right(case, name):
    """No stack is wrong, most are whole, and no way of cutting one is unknown here."""
    c = next(c for c in truth.configurations() if c.name == name)
    result = truth.measure(case, c, STACKS)
    check(result.stacks >= STACKS, f"only {result.stacks} stacks")
    check(not result.wrong, f"{len(result.wrong)} of {result.stacks} stacks are wrong")
    check(result.right > result.stacks // 10, f"only {result.right} of {result.stacks} stacks are whole: {result.cut}")


@test(120)
def truth__gcc_without_frame_pointers__as_another_unwinder_says(case):
    right(case, "gcc -O2 no fp")


@test(120)
def truth__clang_with_exceptions_and_plugins__as_another_unwinder_says(case):
    right(case, "clang -O2 cet")


@test(120)
def truth__static__as_another_unwinder_says(case):
    right(case, "gcc -O2 static")


@test(120)
def truth__debug_frame_only__as_the_program_says(case):
    right(case, "gcc -O2 .debug_frame only")


@test(120)
def truth__forms_that_no_table_has__cut_and_said_so(case):
    right(case, "gcc -O2 odd forms")
