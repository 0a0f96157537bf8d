# SPDX-License-Identifier: GPL-2.0-or-later
"""A pseudo terminal with the tracer's live view in it, and what each of the tracer's threads takes of the processor."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import lib  # noqa: E402

# A screen that was sent is whole when nothing more has come for that long.
QUIET_S = 0.05
THREADS = {"tracer": "other threads", "tracer-events": "events", "tracer-names": "names"}


class Terminal:
    """Reads all that is shown, so that the tracer never waits for it, and notes when it came."""

    def __init__(self, columns, lines):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.changed = threading.Condition()
        self.data, self.first, self.last = b"", None, None
        self.closing = False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while not self.closing:
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            data = os.read(self.master, 65536)
            with self.changed:
                self.last = time.monotonic()
                self.first = self.first or self.last
                self.data += data
                self.changed.notify_all()

    def forget(self):
        with self.changed:
            self.data, self.first, self.last = b"", None, None

    def wait_for(self, text, seconds=lib.WAIT_SECONDS):
        """When it had been shown."""
        end = lib.deadline(seconds)
        with self.changed:
            while text.encode() not in self.data:
                lib.check(time.monotonic() < end, f"not on the screen within {seconds} s: {text}")
                self.changed.wait(0.1)
            return self.last

    def settle(self, seconds=lib.WAIT_SECONDS):
        """Until something was shown and then nothing for a moment: (first, last) time of it."""
        end = lib.deadline(seconds)
        with self.changed:
            while not self.last or time.monotonic() - self.last < QUIET_S:
                lib.check(time.monotonic() < end, f"the screen is not done within {seconds} s")
                self.changed.wait(QUIET_S)
            return self.first, self.last

    def press(self, key):
        """(ms to the first sign, ms to the whole screen), and how many bytes that took"""
        self.forget()
        began = time.monotonic()
        os.write(self.master, key.encode())
        first, last = self.settle()
        return (first - began) * 1000, (last - began) * 1000, len(self.data)

    def see(self, key, word):
        """ms from the key until the word was shown."""
        self.forget()
        began = time.monotonic()
        os.write(self.master, key.encode())
        return (self.wait_for(word) - began) * 1000

    def close(self):
        self.closing = True
        self.thread.join()
        os.close(self.master)
        os.close(self.slave)


def start_view(case, terminal, *arguments, **more):
    env = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **more.pop("env", {})}
    return case.tracer(*arguments, stdin=terminal.slave, stdout=terminal.slave, env=env, **more)


def thread_times(pid):
    """ns that each thread has had of the processor, by its task."""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            name = lib.read_text(f"/proc/{pid}/task/{tid}/comm").strip()
            ns = int(lib.read_text(f"/proc/{pid}/task/{tid}/schedstat").split()[0])
        except OSError:
            continue
        name = "main thread" if int(tid) == pid else THREADS.get(name, name)
        found[name] = found.get(name, 0) + ns
    return found


def waited_ms(pid):
    """How long the main thread was ready to run and had no processor, so far."""
    return int(lib.read_text(f"/proc/{pid}/task/{pid}/schedstat").split()[1]) / 1e6


def shares(pid, seconds):
    """Percent of a processor, by thread, over that time."""
    before, began = thread_times(pid), time.monotonic()
    time.sleep(seconds)
    after, took = thread_times(pid), time.monotonic() - began
    return {name: (ns - before.get(name, 0)) / took / 1e7 for name, ns in after.items()}
