# SPDX-License-Identifier: GPL-2.0-or-later
"""What is asked of the kernel: this machine, processor time and memory of processes, the run time of BPF programs."""

import contextlib
import ctypes
import os
import re
import subprocess
import time

import lib

SYS_BPF = 321
BPF_ENABLE_STATS = 32


def hypervisor():
    """Its name, or "" on bare metal. A container's name does not count: its processor is what matters."""
    if not re.search(r"^flags\s*:.*\bhypervisor\b", lib.read_text("/proc/cpuinfo"), re.M):
        return ""
    try:
        run = subprocess.run(["systemd-detect-virt", "--vm"], capture_output=True, text=True, check=False)
    except OSError:
        return "unknown kind"
    name = run.stdout.strip()
    return name if name not in ("", "none") else "unknown kind"


def describe():
    model = re.search(r"^model name\s*:\s*(.*)$", lib.read_text("/proc/cpuinfo"), re.M)
    model = model.group(1) if model else "unknown processor"
    virtual = hypervisor()
    if virtual:
        where = f"virtual machine ({virtual}); on bare metal a trap, and most of all a single step, costs less"
    else:
        where = "bare metal; in a virtual machine a trap, and most of all a single step, costs more"
    return f"Linux {os.uname().release}, {model}, {os.cpu_count()} CPUs, {where}"


def cpu_ns(pid):
    """Processor time of all threads of a process, those that ended included (the clock of clock_getcpuclockid)."""
    return time.clock_gettime_ns(~pid << 3 | 2)


def total_cpu_ns(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += cpu_ns(pid)
    return total


def settled_cpu_ns(pids, seconds=10):
    """Once these processes have done what is left of their work: while they catch up they take most of a processor."""
    end = time.monotonic() + seconds
    before, now = None, total_cpu_ns(pids)
    while before is None or (now - before > 5_000_000 and time.monotonic() < end):
        time.sleep(0.05)
        before, now = now, total_cpu_ns(pids)
    return now


def highest_bytes(pids):
    """Their highest resident sizes, added."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found = re.search(r"^VmHWM:\s*(\d+) kB", lib.read_text(f"/proc/{pid}/status"), re.M)
            total += int(found.group(1)) * 1024 if found else 0
    return total


def descendants(pid):
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                found += [int(word) for word in lib.read_text(f"/proc/{parent}/task/{task}/children").split()]
    return found


def same_session(pid):
    """All processes of the session of a started program, its orphans included."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.getsid(int(name)) == pid:
                    found.append(int(name))
    return found


@contextlib.contextmanager
def bpf_accounting():
    """While this is open, the kernel counts how long BPF programs run. Nothing stays switched on, whatever happens."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = (ctypes.c_uint32 * 16)()
    fd = libc.syscall(SYS_BPF, BPF_ENABLE_STATS, attributes, ctypes.sizeof(attributes))
    if fd < 0:
        raise lib.Failure(f"cannot count the run time of BPF programs: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        os.close(fd)


def bpf_ns(pid):
    """How long the BPF programs that a process holds have run."""
    total, directory = {}, f"/proc/{pid}/fdinfo"
    for name in os.listdir(directory):
        text = lib.read_text(os.path.join(directory, name))
        program, run = re.search(r"^prog_id:\s+(\d+)$", text, re.M), re.search(r"^run_time_ns:\s+(\d+)$", text, re.M)
        if program and run:
            total[program.group(1)] = int(run.group(1))
    return sum(total.values())


def go_first():
    """Whatever else runs here waits, for the targets as for who traces them: they inherit it. Unless nice was chosen."""
    with contextlib.suppress(OSError):
        if not os.getpriority(os.PRIO_PROCESS, 0):
            os.setpriority(os.PRIO_PROCESS, 0, -10)
