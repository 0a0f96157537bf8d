# SPDX-License-Identifier: GPL-2.0-or-later
"""Names: of generated code, of the vdso, of programs in containers, and what happens while they are not there yet."""

import os
import shutil
import signal
import socket
import subprocess

from lib import Skip, check, equal, frames, need, read_sites, rows_of, site_of, target_path, test, until

GENERATED = "JS:*generated /tmp/a b.js:7"


def check_generated(rows):
    row = next((row for row in rows if site_of(row) == "site_generated"), None)
    check(row, f"no row of site_generated: {[row['stack'] for row in rows]}")
    equal(row["function"], GENERATED, "function")
    equal(frames(row)[-1], GENERATED, "innermost frame")
    equal(row["outstanding_bytes"], 7 * 4099, "bytes")


def trace(case, target, *options):
    path = case.path("sites.csv")
    tracer = case.attach(target.inner_pid, "--csv", path, *options)
    target.work()
    tracer.stop()
    return tracer, read_sites(path).last()


@test()
def generated_code__perf_map__named(case):
    target = case.target("jit")
    check_generated(trace(case, target)[1])
    target.finish()


@test()
def vdso__interrupted_by_a_signal__named(case):
    target = case.target("jit")
    rows = rows_of(trace(case, target)[1], "site_handler")
    equal(len(rows), 1, "rows of site_handler")
    check("clock_gettime" in rows[0]["stack"], f"no function of the vdso: {rows[0]['stack']}")


@test()
def generated_code__own_pid_and_mount_namespace__named(case):
    """Its pid is 1 there, and its /tmp another one."""
    unshare = need("unshare")
    # opened first: it may lie in the /tmp that is hidden then
    script = f"exec 8<{target_path('jit')} && mount -t tmpfs none /tmp && exec /proc/self/fd/8"
    shell = case.start(unshare, "--pid", "--mount", "--fork", "sh", "-c", script)
    shell.out.wait_for("^ready 1$")
    pid = next(int(name) for name in os.listdir("/proc") if name.isdigit() and is_child(int(name), shell.pid))
    path = case.path("sites.csv")
    tracer = case.attach(pid, "--csv", path)
    shell.write()
    shell.out.wait_for("^done$")
    tracer.stop()
    check_generated(read_sites(path).last())


def is_child(pid, parent):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1]) == parent
    except (OSError, IndexError):
        return False


@test()
def container__debug_file_in_its_root__lines(case):
    """A chroot with a stripped static program, whose debug information lies in that root alone."""
    program, objcopy, strip, readelf = target_path("every-static"), need("objcopy"), need("strip"), need("readelf")
    root = case.path("root")
    os.makedirs(root)
    shutil.copy(program, f"{root}/every")
    notes = subprocess.run([readelf, "-n", program], capture_output=True, text=True, check=True).stdout
    build_id = next((line.split()[-1] for line in notes.splitlines() if "Build ID:" in line), None)
    if not build_id:
        raise Skip("the linker writes no build ids")
    place = f"{root}/usr/lib/debug/.build-id/{build_id[:2]}"
    os.makedirs(place)
    subprocess.run([objcopy, "--only-keep-debug", f"{root}/every", f"{place}/{build_id[2:]}.debug"], check=True)
    subprocess.run([strip, "--strip-debug", f"{root}/every"], check=True)
    target = case.target("/every", prefix=(need("chroot"), root))
    rows = trace(case, target)[1]
    named = [row for row in rows if (site_of(row) or "").startswith("site_malloc")]
    check(named, f"no row of site_malloc: {[row['stack'] for row in rows]}")
    check(named[0]["source"].split(":")[0].endswith("every.c"), f"source {named[0]['source']!r}")


@test()
def node__perf_map__functions_of_the_script(case):
    node = need("node")
    script = ("const kept = []; function keepOne(i) { kept.push(Buffer.from('x'.repeat(20000) + i)); } "
              "function keepMany() { for (let i = 0; i < 100; i++) keepOne(i); } setInterval(keepMany, 10);")
    program = case.start(node, "--perf-basic-prof", "--interpreted-frames-native-stack", "-e", script,
                         cwd=os.path.dirname(case.path("isolate.log")))
    perf_map = f"/tmp/perf-{program.pid}.map"
    until(lambda: os.path.exists(perf_map) and "keepOne" in open(perf_map, encoding="utf-8", errors="replace").read(),
          "node to write its map")
    try:
        path = case.path("sites.csv")
        tracer = case.attach(program.pid, "--csv", path, "-i", "0.5")
        tracer.out.wait_for("keepOne")
        tracer.stop()
        rows = read_sites(path).last()
        check(any("keepOne" in row["stack"] and "keepMany" in row["stack"] for row in rows),
              "no stack goes through keepMany and keepOne")
    finally:
        program.kill()
        os.unlink(perf_map)


def silent_server():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(16)
    return server, f"http://127.0.0.1:{server.getsockname()[1]}"


@test()
def debuginfod__silent_server__reports_go_on_and_ctrl_c_ends(case):
    """Its lines may come from a server that never answers: everything else is there."""
    stripped = case.path("every")
    shutil.copy(target_path("every"), stripped)
    subprocess.run([need("strip"), "--strip-debug", stripped], check=True)
    with_server, url = silent_server()
    try:
        target = case.target(stripped)
        path = case.path("sites.csv")
        tracer = case.attach(target.inner_pid, "--csv", path, "-i", "0.2",
                             env={"DEBUGINFOD_URLS": url, "DEBUGINFOD_CACHE_PATH": case.path("cache")})
        target.work()
        for _ in range(3):
            tracer.out.wait_for("stacks with outstanding allocations")
        tracer.signal(signal.SIGINT)
        tracer.err.wait_for("waiting for the names")
        tracer.stop()
        check(rows_of(read_sites(path).last(), "site_malloc"), "functions of the symbol table have no names")
        check("not waited for" in tracer.err.text(), "nothing says that names are missing")
    finally:
        with_server.close()
