# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML page, in a real Chromium: of a traced program, and of made-up runs (tests/web/pages.c)."""

import contextlib
import json
import os
import re
import subprocess
import sys

from lib import ROOT, Failure, Skip, check, equal, read_sites, read_text, test

sys.path.insert(0, os.path.join(ROOT, "tests", "web"))
import browser  # noqa: E402

PAGES = os.path.join(ROOT, "build", "html_pages")
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.S)
# More nodes than this, and a page gets slow; 10,000 sites must stay below.
MOST_NODES = 3000


def page_data(path):
    return json.loads(DATA.search(read_text(path)).group(1))


def chromium():
    path = browser.find()
    if not path:
        raise Skip("chromium is not installed: pages were not looked at; run: scripts/install-deps.sh --test")
    return path


def made_up(case, *kind):
    chromium()
    check(os.path.exists(PAGES), "build/html_pages is not there; run: make build/html_pages")
    path = case.path("page.html")
    with open(path, "wb") as out:
        subprocess.run([PAGES, *kind], stdout=out, check=True)
    return path


@contextlib.contextmanager
def opened(path):
    """The page in a browser. In the end: nothing was asked of the network, and nobody complained."""
    page = browser.Browser(chromium())
    try:
        page.open(path)
        equal(page.text("#error"), "", "error of the page")
        page.until("document.documentElement.dataset.ready === 'yes'", "the page is drawn")
        yield page
        equal(page.requests, ["file://" + os.path.abspath(path)], "what was requested")
        equal(page.errors, [], "errors and warnings of the page")
    except browser.BrowserError as error:
        raise Failure(str(error)) from error
    finally:
        page.close()


def rows(page):
    """[text of each cell] of each site that the table shows."""
    return page.evaluate("[...document.querySelectorAll('#sites-table tr[data-site]')].map((r) => [...r.cells].map((c) => c.innerText))")


def functions(page):
    return page.evaluate("[...document.querySelectorAll('#sites-table .open')].map((b) => b.textContent)")


@test()
def html__of_a_run__agrees_with_the_csv(case):
    target = case.target("every")
    page_path, csv_path = case.path("run.html"), case.path("sites.csv")
    with open(page_path, "w", encoding="utf-8") as file:
        file.write("of before")
    recording, again_path = case.path("run.rec"), case.path("again.html")
    tracer = case.attach(target, "-i", "0.2", "--html", page_path, "--csv", csv_path, "-w", recording)
    equal(read_text(page_path), "of before", "the file while tracing")
    target.work()
    tracer.stop()
    summary, data, sites = tracer.summary(target.pid), page_data(page_path), read_sites(csv_path)
    columns = data["site_columns"]
    by_id = {row[columns.index("id")]: dict(zip(columns, row)) for row in data["sites"]}
    equal(set(by_id), {row["site"] for row in sites.last(target.pid)}, "sites, page against CSV")
    for row in sites.last(target.pid):
        site = by_id[row["site"]]
        for key in ("outstanding_bytes", "outstanding_count", "alloc_bytes", "free_count", "peak_bytes", "rank", "verdict"):
            equal(site[key], row[key], f"{key} of site {row['site']}")
    total = sum(site["outstanding_bytes"] for site in by_id.values())
    equal(total, sites.total("outstanding_bytes", target.pid), "outstanding bytes, page against CSV")
    equal(total, summary.bytes, "outstanding bytes, page against summary")
    equal(data["processes"][0]["totals"][0], total, "outstanding bytes of the process")
    equal(data["series"][0]["points"][-1][1], total, "outstanding bytes at the end of the timeline")
    check(data["series"][0]["points"][0][4] > 0, "no resident memory in the timeline")
    blocks = sum(entry[1] for entry in data["spreads"][0]["sizes"] if entry)
    equal(round(blocks), summary.count, "blocks in the histogram of sizes")
    equal(case.run("-b", "-r", recording, "-i", "0.2", "--html", again_path).process.returncode, 0, "exit status of the replay")
    again = page_data(again_path)
    for key in ("sites", "frames", "texts", "processes", "spreads", "series"):
        equal(again[key], data[key], f"{key}, replayed against live")
    with opened(page_path) as page:
        check(str(target.pid) in page.text("#title"), f"title {page.text('#title')}")
        equal(page.evaluate("document.querySelector('#cards .figure').title"),
              f"{total:,} bytes in {summary.count:,} blocks", "exact figure behind the first card")


@test()
def html__made_up_run__search_zoom_sort_and_keys(case):
    with opened(made_up(case, "small")) as page:
        check("1 call site looks like a leak" in page.text("#verdict"), page.text("#verdict"))
        check("7 events lost" in page.text("#warnings"), page.text("#warnings"))
        equal(functions(page), ["cache_insert", "queue_push"], "candidates, the worst first")
        check("of 4,012 blocks older than 20s, 3,998 are still there" in rows(page)[0][1], f"no reason in {rows(page)[0]}")
        table(page)
        flame_graph(page)
        charts(page)
        narrow_and_dark(page)
        page.choose("#process", "1")
        equal(functions(page), ["load_config"], "sites of the other process")
        check("4712" not in page.text("#sites-count") and "1 call site of 1" in page.text("#sites-count"), page.text("#sites-count"))


def narrow_and_dark(page):
    page.theme("dark")
    page.size(400, 800)
    page.until("document.querySelector('#flame-canvas').width < 400", "the flame graph is drawn anew")
    check(page.evaluate("document.documentElement.scrollWidth") <= 400, "wider than its window")
    equal(page.evaluate("getComputedStyle(document.querySelector('.narrow')).display"), "inline", "verdict beside the name")


def table(page):
    page.choose("#sites-show", "all")
    equal(len(rows(page)), 4, "rows of all sites")
    page.click('#sites-table [data-sort="outstanding_count"]')
    equal([row[3] for row in rows(page)], ["400k", "90.0k", "1.23k", "17"], "blocks, sorted")
    page.click('#sites-table [data-sort="outstanding_count"]')
    equal([row[3] for row in rows(page)], ["17", "1.23k", "90.0k", "400k"], "blocks, sorted the other way")
    equal(page.evaluate("document.querySelector('#sites-table [aria-sort=ascending]').innerText.slice(0, 6)"), "Blocks", "marked column")
    page.type("#sites-filter", "CONFIG")
    equal(functions(page), ["load_config", "load_config"], "sites with that name")
    page.click("#sites-table .open")
    page.key("Enter")
    page.key("Enter")
    equal(page.evaluate("[...document.querySelectorAll('ol.stack li')].map((l) => l.textContent)"),
          ["load_config+0x10 [server] (server.c:10)", "main+0x11 [server] (server.c:11)"], "stack of the opened site")
    page.type("#sites-filter", "")


def flame_graph(page):
    equal(page.evaluate("document.querySelector('#flame-canvas').dataset.zoom"), "all", "zoomed to")
    # root at the top: all, main, handle_request, ...; the widest is at the left
    page.click_at(*page.place("#flame-canvas", 0.1, 2.5 / 5))
    equal(page.evaluate("document.querySelector('#flame-canvas').dataset.zoom"), "handle_request", "zoomed to by a click")
    check("% of all" in page.text("#flame-status"), page.text("#flame-status"))
    page.key("ArrowDown")
    page.key("Enter")
    equal(page.evaluate("document.querySelector('#flame-canvas').dataset.zoom"), "cache_insert", "zoomed to by keys")
    page.key("Escape")
    equal(page.evaluate("document.querySelector('#flame-canvas').dataset.zoom"), "handle_request", "zoomed out by a key")
    page.click("#flame-reset")
    equal(page.evaluate("document.querySelector('#flame-canvas').dataset.zoom"), "all", "zoomed out")
    page.type("#flame-search", "queue")
    check(page.text("#flame-found").startswith("Found in 1 frame: 9.00 MiB"), page.text("#flame-found"))
    page.choose("#flame-value", "growth")
    equal(page.evaluate("document.querySelector('#flame-status').title"), "701,000 growth (bytes per second)", "growth of all")
    page.click("#flame-inverted")
    page.click_at(*page.place("#flame-canvas", 0.1, 1.5 / 5))
    equal(page.evaluate("document.querySelector('#flame-canvas').dataset.zoom"), "xmalloc", "outermost frame when inverted")


def charts(page):
    equal(page.evaluate("document.querySelectorAll('#charts canvas').length"), 3, "charts, the one of losses included")
    legend = page.text("#charts .u-legend")
    check("Outstanding" in legend and "RSS" in legend and "61.7 MiB" in legend, f"legend {legend}")
    page.evaluate("document.querySelector('#charts > div').focus()")
    page.key("Home")
    check(re.search(r"0\.0 s", page.text("#charts .u-legend")), f"legend at the start: {page.text('#charts .u-legend')}")


@test()
def html__hostile_names__stay_text(case):
    with opened(made_up(case, "hostile")) as page:
        shown = functions(page)
        for text in ("</script><img src=x onerror=\"document.title='owned'\">", "<!--<script>alert(1)</script>-->", "__proto__",
                     "line?break?tab??[31m", "W" * 10000):
            check(text in shown, f"{text[:60]} is not shown as it is")
        equal(page.text("#title"), "</title><b>x (1)", "title")
        equal(page.evaluate("document.querySelectorAll('img, main b, main script').length"), 0, "elements made by names")
        page.click("#sites-table .open")
        page.type("#sites-filter", "<img")
        equal(len(rows(page)), 1, "sites found by a hostile name")
        equal(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), True, "the page fits its window")


@test()
def html__ten_thousand_sites__usable(case):
    path = made_up(case, "large", "10000")
    data = page_data(path)
    total = sum(row[data["site_columns"].index("outstanding_bytes")] for row in data["sites"])
    with opened(path) as page:
        check(f"{total:,} bytes" in page.evaluate("document.querySelector('#cards .figure').title"), "the total is not on the page")
        page.choose("#sites-show", "all")
        check("10,000 call sites of 10,000" in page.text("#sites-count"), page.text("#sites-count"))
        for _ in range(3):
            page.click("#sites-more")
        page.type("#flame-search", "name_77")
        check(page.text("#flame-found").startswith("Found in "), page.text("#flame-found"))
        page.click_at(*page.place("#flame-canvas", 0.5, 4.5 / 21))
        check(page.evaluate("document.querySelector('#flame-canvas').dataset.zoom") != "all", "a click does not zoom")
        page.type("#sites-filter", "name_4000")
        check(0 < len(rows(page)) < 10000, f"{len(rows(page))} sites found")
        nodes = page.evaluate("document.querySelectorAll('*').length")
        check(nodes < MOST_NODES, f"{nodes} elements")
