# SPDX-License-Identifier: GPL-2.0-or-later
"""Stacks of real programs: which share is whole, and does gdb find the same? Prints a table and judges nothing.
As root, after `make`, with gdb: python3 -B tests/live/compare_stacks.py [-n SAMPLES] [-v] [WORD...], only programs with a WORD
in their name; -v shows where stacks were cut, and those that gdb sees differently.

Each program works under the tracer for some seconds. Meanwhile gdb stops it at random calls of malloc and writes down the
return addresses that its own unwinder finds; each such stack must be among those that the tracer has of the same process,
address by address. Whole are stacks that reach the start of the program or of a thread, those through generated code by
guesses; the share is given by allocations and by different stacks.
"""

import collections
import json
import os
import subprocess
import sys
import time

import lib
from compare import ENVIRONMENT, free_port, listens
from lib import ROOT, need, python, read_text, until

SAMPLES = 150
SECONDS = 4
GUESSED = 4
REASONS = {1: "depth", 2: "failed", 4: "guessed", 8: "no information", 16: "no mapping", 32: "fault", 64: "broken",
           128: "changed"}

# Runs inside gdb. The processor's own breakpoint comes before the one that the tracer has at the same instruction, and so
# before the return address is replaced for the return probe.
GDB = r"""
import gdb, json, random
for word in ("pagination off", "backtrace past-main on", "backtrace past-entry on", "backtrace limit 2000",
             "trust-readonly-sections on", "print thread-events off", "confirm off"):
    gdb.execute("set " + word)
gdb.execute("handle all nostop noprint pass")
def walk():
    pcs, names, frame, exact = [], [], gdb.newest_frame().older(), False
    while frame is not None:
        if frame.type() == gdb.SIGTRAMP_FRAME or frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pcs.append(frame.pc() + (1 if exact else 0))
            names.append(frame.name() or "")
            exact = frame.type() == gdb.SIGTRAMP_FRAME
        last, frame = frame, frame.older()
    return pcs, names, last.unwind_stop_reason()
address = int(gdb.parse_and_eval("(long) &malloc")) & (1 << 64) - 1
b = gdb.Breakpoint("*%d" % address, type=gdb.BP_HARDWARE_BREAKPOINT)
random.seed(4711)
with open(OUT, "w") as out:
    for sample in range(SAMPLES):
        b.ignore_count = random.randrange(40)
        try:
            gdb.execute("continue", to_string=True)
            pcs, names, reason = walk()
        except gdb.error as error:
            break
        out.write(json.dumps([pcs, names, reason]) + "\n")
        out.flush()
b.delete()
gdb.execute("detach")
"""


def sample_with_gdb(case, pid, samples):
    """[(return addresses, names, why the walk ended)]"""
    script, out = case.path("sample.py"), case.path("samples")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"OUT, SAMPLES = {out!r}, {samples}\n{GDB}")
    done = subprocess.run([need("gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-p", str(pid), "-x", script],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          check=False)
    if not os.path.exists(out):
        print(done.stdout.decode("utf-8", "replace")[-600:])
        return []
    return [json.loads(line) for line in read_text(out).splitlines()]


# ---- programs: each yields the pid to trace, and does its work meanwhile ----

def endless(case, *arguments, **more):
    return case.start(*arguments, stdout=subprocess.DEVNULL, env=ENVIRONMENT, **more).pid


PYTHON = """
import json, re, decimal, sqlite3, collections, hashlib, zlib, xml.etree.ElementTree as E
db = sqlite3.connect(":memory:")
db.execute("create table t(a, b)")
while True:
    x = [{"k%d" % i: [i, str(i) * 9, None]} for i in range(300)]
    json.loads(json.dumps(x)); re.compile("(a|b)*c%d" % len(x)).findall("abc" * 99); str(decimal.Decimal(2) ** 999)
    db.executemany("insert into t values(?, ?)", [(i, "x" * i) for i in range(99)]); db.execute("select sum(a) from t").fetchall()
    hashlib.sha256(b"x" * 999).hexdigest(); zlib.compress(b"abc" * 9999); collections.Counter("abcabc" * 99)
    E.fromstring("<a>" + "<b c='d'/>" * 99 + "</a>"); sorted(x, key=lambda v: str(v)); db.execute("delete from t")
"""
NODE = """
const crypto = require('crypto'), zlib = require('zlib');
function work() {
  const x = []; for (let i = 0; i < 500; i++) x.push({k: 'v' + i, n: [i, i * 2], b: Buffer.alloc(100 + i)});
  JSON.parse(JSON.stringify(x.map(v => v.k))); zlib.deflateSync(Buffer.from('abc'.repeat(3000)));
  crypto.createHash('sha256').update('x'.repeat(999)).digest('hex'); crypto.randomBytes(64);
  new RegExp('(a|b)*c' + x.length).exec('abc'.repeat(99)); new URL('http://a.b/c?d=' + x.length);
  require('fs').readFileSync('/etc/passwd'); new Intl.NumberFormat('de').format(x.length);
  setTimeout(work, 0);
}
work();
"""
PERL = """
while (1) { my %h; $h{"k$_"} = [$_, "x" x ($_ % 99)] for 1..500; my $s = join ",", map { "$_=$h{$_}[0]" } sort keys %h;
$s =~ s/k(\\d+)/<$1>/g; my @p = split /,/, $s; my $f = sprintf "%s %05d", $s, scalar @p; eval "my \\$z = " . scalar(@p) . " + 1"; }
"""
SQL = ("create table if not exists t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<500) insert into t "
       "select x, hex(zeroblob(x % 70)) from c; select count(*), max(length(b)) from t group by a % 7; create index i on t(b); "
       "select json_group_array(a) from t where b like '00%' order by b; drop table t;\n")
BASH = """while :; do a=(); for i in {1..200}; do a+=("x$i"); done; s="${a[*]}"; s=${s//x/y}; [[ $s =~ y([0-9]+) ]]; f() { local v=$1; echo "${v^^}"; }
f "$s" >/dev/null; declare -A h; for i in "${a[@]}"; do h[$i]=1; done; printf -v t '%s ' "${!h[@]}"; done"""
GDB_LOAD = """python
while True:
    for command in ('info types e$', 'info line main', 'disassemble main', 'info functions ^s', 'ptype struct session'):
        try: gdb.execute(command, to_string=True)
        except gdb.error: pass
"""


def run_python(case):
    return endless(case, python(), "-c", PYTHON)


def run_node(case):
    return endless(case, need("node"), "-e", NODE)


def run_perl(case):
    return endless(case, need("perl"), "-e", PERL)


def run_bash(case):
    return endless(case, need("bash"), "-c", BASH)


def run_sqlite3(case):
    script = case.path("script.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SQL * 200000)
    with open(script, encoding="utf-8") as file:
        return endless(case, need("sqlite3"), "-init", "/dev/null", ":memory:", stdin=file)


def run_gdb(case):
    script = case.path("load.gdb")
    with open(script, "w", encoding="utf-8") as file:
        file.write(GDB_LOAD)
    return endless(case, need("gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", script,
                   lib.TRACER)


def run_git(case):
    """Held back by whoever reads it, so that it lasts."""
    place = case.path("clone")
    subprocess.run([need("git"), "clone", "-q", "--bare", ROOT, place], check=True, env=ENVIRONMENT,
                   stderr=subprocess.DEVNULL)
    slow = "import sys, time\nwhile sys.stdin.buffer.read(1 << 16): time.sleep(.05)\n"
    reader = case.start(python(), "-c", slow, stdout=subprocess.DEVNULL)
    return case.start(need("git"), "-C", place, "log", "-p", "--stat", "-M", "-C", "--find-copies-harder",
                      "--format=%H %an %s%n%b", "--word-diff", "--all", stdout=reader.process.stdin, env=ENVIRONMENT).pid


def run_openssl(case):
    return endless(case, need("openssl"), "speed", "-seconds", "2", "rsa2048", "ecdsap256", "sha256",
                   "ed25519", "ecdhx25519")


def run_redis(case):
    port = free_port()
    server = case.start(need("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir",
                        case.directory, stdout=subprocess.DEVNULL)
    until(lambda: listens(port), "redis to listen")
    endless(case, need("redis-benchmark"), "-p", str(port), "-n", "100000000", "-c", "10", "-q", "-r", "1000", "-t",
            "set,get,lpush,hset,zadd,mset")
    return server.pid


def run_nginx(case):
    port, config = free_port(), case.path("nginx.conf")
    places = " ".join(f"{name}_temp_path {case.directory}/{name};"
                      for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"daemon off; worker_processes 1; user root; pid {case.directory}/pid; error_log stderr;\n"
                   f"events {{ worker_connections 64; }}\nhttp {{ access_log off; gzip on; gzip_types *; {places}\n"
                   f"server {{ listen 127.0.0.1:{port}; root /usr/share; autoindex on;\n"
                   "location /r { return 200 'hello'; } location /w { rewrite ^/w(.*)$ /doc$1; } } }\n")
    server = case.start(need("nginx"), "-c", config, stdout=subprocess.DEVNULL)
    until(lambda: listens(port), "nginx to listen")
    worker = until(lambda: lib.children(server.pid), "a worker of nginx")[0]
    client = ("import urllib.request as u\nwhile True:\n for p in ('r', 'doc/', 'w/', 'no'):\n  try:\n   "
              f"u.urlopen(u.Request('http://127.0.0.1:{port}/' + p, headers={{'Accept-Encoding': 'gzip'}})).read()\n"
              "  except Exception: pass\n")
    endless(case, python(), "-c", client)
    return worker


PROGRAMS = {"sqlite3": run_sqlite3, "python3": run_python, "redis-server": run_redis, "nginx worker": run_nginx,
            "node": run_node, "perl": run_perl, "git log": run_git, "gdb": run_gdb, "bash": run_bash,
            "openssl speed": run_openssl}


# ---- comparison ----

def read_sites(path, pid):
    """{return addresses: (flags, allocations)}"""
    found = {}
    for word in map(str.split, read_text(path).splitlines()):
        if word[0] == "site" and int(word[1]) == pid and len(word) > 5:
            pcs = tuple(int(pc, 16) for pc in word[5:])
            flags, count = found.get(pcs, (0, 0))
            found[pcs] = (flags | int(word[3], 16), count + int(word[4]))
    return found


INNER = {"malloc", "__libc_malloc", "calloc", "__libc_calloc", "realloc", "__libc_realloc", "reallocarray",
         "__libc_reallocarray", "posix_memalign", "__posix_memalign", "tcache_init", "_int_realloc"}


def compare(sites, samples, modules):
    """How many samples are the same, begin like a stack that was cut, end before ours, have addresses that are no code; and
    the others."""
    counts, others = collections.Counter(), []
    prefixes = collections.defaultdict(list)
    for pcs, (flags, _) in sites.items():
        prefixes[pcs[0]].append((pcs, flags))
    for pcs, names, _ in samples:
        pcs = tuple(pcs)
        # the tracer has taken over what the outer of two allocator functions returns to
        if not pcs or names[0] in INNER or any(modules.name(pc).startswith("[uprobes]") for pc in pcs):
            continue
        counts["samples"] += 1
        if pcs in sites and not sites[pcs][0]:
            counts["same"] += 1
        elif any(flags and pcs[:len(mine)] == mine for mine, flags in prefixes[pcs[0]]):
            counts["same up to a marked cut or guess"] += 1
        elif any(mine[:len(pcs)] == pcs for mine, _ in prefixes[pcs[0]]):
            counts["gdb ends before"] += 1
        elif not all(map(modules.is_code, pcs)):
            counts["gdb lost"] += 1
        else:
            counts["different"] += 1
            others.append((pcs, names, max((mine for mine, _ in prefixes[pcs[0]]), default=(),
                                           key=lambda mine: len(os.path.commonprefix([list(mine), list(pcs)])))))
    return counts, others


def reaching(sites):
    """Stacks that are whole: {return addresses: allocations}. Those with guessed frames are when they end where others do."""
    ends = {pcs[-1] for pcs, (flags, _) in sites.items() if not flags}
    return {pcs: count for pcs, (flags, count) in sites.items() if not flags or (flags == GUESSED and pcs[-1] in ends)}


def reasons_of(flags):
    return "+".join(word for bit, word in REASONS.items() if flags & bit)


class Modules:
    def __init__(self, pid):
        self.maps, self.code = [], []
        for line in read_text(f"/proc/{pid}/maps").splitlines():
            word = line.split(maxsplit=5)
            start, end = (int(number, 16) for number in word[0].split("-"))
            self.maps.append((start, end, int(word[2], 16), word[5] if len(word) > 5 else "anonymous"))
            if "x" in word[1]:
                self.code.append((start, end))

    def is_code(self, pc):
        return any(start <= pc < end for start, end in self.code)

    def name(self, pc):
        for start, end, offset, path in self.maps:
            if start <= pc < end:
                return f"{os.path.basename(path)}+{pc - start + offset:#x}"
        return f"{pc:#x}"


def show_cuts(sites, modules):
    cuts = collections.Counter()
    for pcs, (flags, count) in sites.items():
        if flags:
            cuts[reasons_of(flags), modules.name(pcs[-1])] += count
    for (reason, place), count in cuts.most_common(8):
        print(f"  {count} allocations: {reason} at {place}")


def show_others(others, modules):
    for pcs, names, mine in others[:4]:
        same = len(os.path.commonprefix([list(mine), list(pcs)]))
        print(f"  gdb has {len(pcs)} frames, the nearest stack {len(mine)}, the first {same} the same; then\n    gdb    "
              + " ".join(f"{name or '?'}={modules.name(pc)}" for pc, name in list(zip(pcs, names))[same:same + 5])
              + "\n    tracer " + " ".join(modules.name(pc) for pc in mine[same:same + 5]))


def measure(case, run, samples):
    dump = case.path("stacks")
    pid = run(case)
    tracer = case.attach(pid, "-i", "600", env={"TRACER_DUMP_STACKS": dump})
    # a share of real work, not a wait for something
    time.sleep(SECONDS)
    modules = Modules(pid)
    found = sample_with_gdb(case, pid, samples)
    tracer.stop(seconds=60)
    return read_sites(dump, pid), found, modules, tracer.summary(pid).lost


def main(arguments):
    samples = int(arguments[arguments.index("-n") + 1]) if "-n" in arguments else SAMPLES
    words = [word for word in arguments if not word.startswith("-") and not word.isdigit()]
    print("| program | allocations | whole | different stacks | whole | frames | marks (allocations) | gdb: samples | same | "
          "marked | gdb ends before | gdb goes astray | different |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, run in PROGRAMS.items():
        if words and not any(word in name for word in words):
            continue
        case = lib.Case("stacks")
        try:
            sites, found, modules, _ = measure(case, run, samples)
            total = sum(count for _, count in sites.values())
            mine = reaching(sites)
            whole, stacks = sum(mine.values()), len(mine)
            rest = collections.Counter()
            for flags, count in sites.values():
                if flags:
                    rest[reasons_of(flags)] += count
            frames = sum(len(pcs) * count for pcs, (_, count) in sites.items()) / max(1, total)
            counts, others = compare(sites, found, modules)
            print(f"| {name} | {total} | {100 * whole / max(1, total):.3f} % | {len(sites)} | "
                  f"{100 * stacks / max(1, len(sites)):.2f} % | {frames:.1f} | "
                  f"{', '.join(f'{why} {count}' for why, count in rest.most_common())} | {counts['samples']} | {counts['same']} | "
                  f"{counts['same up to a marked cut or guess']} | {counts['gdb ends before']} | "
                  f"{counts['gdb lost']} | {counts['different']} |",
                  flush=True)
            if "-v" in arguments:
                show_cuts(sites, modules)
                show_others(others, modules)
        except lib.Skip as skip:
            print(f"| {name} | left out: {skip} |")
        except Exception as error:
            print(f"| {name} | failed: {type(error).__name__}: {error} |")
        finally:
            case.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
