# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways in which the heap of a server is looked at, for servers.py. Each has the way that it is compared with."""

import os

from loads import BUILD, lib
import places


class Way:
    """Nothing but the server."""
    name, base = "native", "native"
    says = "as it is"

    def environment(self, _case):
        return {}

    def prefix(self, _case):
        return ()

    def fits(self, _server):
        """Skips, with words, what cannot be done to this kind of server."""

    def attach(self, _case, _server):
        """Programs that take processor time for this."""
        return []

    def detach(self, tools, _server):
        """More figures."""
        for tool in tools:
            tool.kill()
        return {}


class Floor(Way):
    name = "floor"
    says = "empty programs at the places where the tracer's would be"

    def fits(self, _server):
        lib.need_method("session")

    def attach(self, case, server):
        floors = []
        for pid in server.pids():
            floors.append(case.start(os.path.join(BUILD, "floor"), str(pid)))
            floors[-1].write(places.floor_input(places.read(pid)))
        for floor in floors:
            floor.out.wait_for("^ready")
        return floors


class Tracer(Way):
    name = "tracer"
    says = "tracer, every allocation with its whole stack"

    def attach(self, case, server):
        self.path = case.path("sites.csv")
        tracer = case.tracer("-b", "-i", "3600", "--csv", self.path, "-p", ",".join(map(str, server.pids())))
        for _ in server.pids():
            tracer.wait_attached()
        return [tracer]

    def detach(self, tools, server):
        pids = server.pids()
        tools[0].stop(seconds=60)
        sites = lib.read_sites(self.path)
        summaries = [tools[0].summary(pid) for pid in pids]
        return {"allocations": sum(row["alloc_count"] for row in sites.last()), "events": sum(s.events for s in summaries),
                "lost": sum(s.lost for s in summaries)}


# What bcc's memleak does: each block with its size, stack and time, freed blocks forgotten.
MEMLEAK = {
    "malloc": "{ @size[tid] = arg0; }",
    "calloc": "{ @size[tid] = arg0 * arg1; }",
    "realloc": "{ delete(@bytes[arg0]); delete(@stack[arg0]); delete(@when[arg0]); @size[tid] = arg1; }",
    "memalign": "{ @size[tid] = arg1; }",
    "aligned_alloc": "{ @size[tid] = arg1; }",
    "posix_memalign": "{ @to[tid] = arg0; @size[tid] = arg2; }",
    "free": "{ delete(@bytes[arg0]); delete(@stack[arg0]); delete(@when[arg0]); }",
}
BORN = "/@size[tid]/ {{ {address} @bytes[$p] = @size[tid]; @stack[$p] = ustack; @when[$p] = nsecs; delete(@size[tid]); }}"


class Bpftrace(Way):
    name = "bpftrace"
    says = "bpftrace -p, doing memleak's work; one for each process"

    def script(self, pid):
        probed = {(place.function, place.path) for place in places.read(pid)}
        text = ""
        for function, path in sorted(probed):
            if function not in MEMLEAK:
                continue
            text += f'uprobe:"{path}":{function} {MEMLEAK[function]}\n'
            if function == "posix_memalign":
                text += f'uretprobe:"{path}":{function} ' + BORN.format(address="$p = *(uint64 *)@to[tid]; delete(@to[tid]);") + "\n"
            elif function != "free":
                text += f'uretprobe:"{path}":{function} ' + BORN.format(address="$p = retval;") + "\n"
        return text + 'interval:ms:200 { printf("tick\\n"); }'

    def attach(self, case, server):
        command, tools = lib.need("bpftrace"), []
        for pid in server.pids():
            tools.append(case.start(command, "-p", str(pid), "-e", self.script(pid), env={"BPFTRACE_MAX_MAP_KEYS": "1000000"}))
        for tool in tools:
            tool.out.wait_for("^tick", 60)
        return tools


class Heaptrack(Way):
    name = "heaptrack"
    says = "heaptrack, which starts the server"

    def fits(self, server):
        lib.need("heaptrack")
        if server.name == "postgresql":
            raise lib.Skip("heaptrack ends itself in children of fork, and backends are children")

    def prefix(self, case):
        return lib.need("heaptrack"), "-o", case.path("heaptrack")


class Preloaded(Way):
    def __init__(self, name, base, library, says, **environment):
        self.name, self.base, self.library, self.says, self.more = name, base, library, says, environment

    def fits(self, _server):
        lib.find_library(self.library)

    def environment(self, case):
        folder = case.path("heaps")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        more = {key: value.format(folder=folder) for key, value in self.more.items()}
        return {"LD_PRELOAD": self.library, **more}


WAYS = [
    Way(), Floor(), Tracer(), Bpftrace(), Heaptrack(),
    Preloaded("jemalloc", "native", "libjemalloc.so.2", "jemalloc preloaded (redis has it anyway: how much the same differs from itself)"),
    Preloaded("jemalloc-prof", "jemalloc", "libjemalloc.so.2", "its profiler, a sample every 512 KB",
              MALLOC_CONF="prof:true,lg_prof_sample:19"),
    Preloaded("tcmalloc", "native", "libtcmalloc.so.4", "gperftools' tcmalloc preloaded"),
    Preloaded("tcmalloc-sample", "tcmalloc", "libtcmalloc.so.4", "its sampling, every 512 KB", TCMALLOC_SAMPLE_PARAMETER="524288"),
    Preloaded("tcmalloc-all", "tcmalloc", "libtcmalloc.so.4", "its heap profiler (HEAPPROFILE), every allocation",
              HEAPPROFILE="{folder}/heap"),
]
