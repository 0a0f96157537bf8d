# SPDX-License-Identifier: GPL-2.0-or-later
"""A page in a real Chromium without a screen, by its remote debugging protocol over a pipe: no library is needed.

Input comes as from a user (keys, mouse); what the page asked of the network, its errors and its policy's complaints are kept.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

WAIT_SECONDS = 30
# Nothing of what a browser does by itself: no updates, no first run, no requests of its own.
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-default-browser-check",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe"]
KEYS = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "Tab": 9}


class BrowserError(Exception):
    pass


def find():
    """Path of a Chromium, or None."""
    return next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)


class Browser:
    def __init__(self, path, width=1200, height=900):
        self.profile = tempfile.mkdtemp(prefix="tracer-browser-")
        self.buffer, self.number = b"", 0
        self.requests, self.errors = [], []
        try:
            self.start(path, width, height)
        except BaseException:
            self.close()
            raise

    def start(self, path, width, height):
        command_read, self.write_fd = os.pipe()
        self.read_fd, answer_write = os.pipe()

        # The protocol's descriptors are 3 and 4; both come from above them, so that none is lost on the way.
        high_read, high_write = os.dup(command_read), os.dup(answer_write)
        shell = f'exec "$@" 3<&{high_read} 4>&{high_write}'
        self.process = subprocess.Popen(["/bin/bash", "-c", shell, "bash", path, *FLAGS, f"--user-data-dir={self.profile}",
                                         f"--window-size={width},{height}", "about:blank"],
                                        pass_fds=(high_read, high_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        for fd in (command_read, answer_write, high_read, high_write):
            os.close(fd)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        process = getattr(self, "process", None)
        if process and process.poll() is None:
            try:
                os.killpg(process.pid, 9)
            except OSError:
                pass
            process.wait()
        for name in ("write_fd", "read_fd"):
            if hasattr(self, name):
                os.close(getattr(self, name))
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- protocol ----

    def message(self, end):
        while b"\0" not in self.buffer:
            if not select.select([self.read_fd], [], [], max(0.0, end - time.monotonic()))[0]:
                raise BrowserError("the browser does not answer")
            data = os.read(self.read_fd, 1 << 16)
            if not data:
                raise BrowserError("the browser has ended")
            self.buffer += data
        raw, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(raw)
        self.note(message)
        return message

    def note(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.errors.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(parameters["args"]))

    def call(self, method, **parameters):
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if hasattr(self, "session") and not method.startswith("Target."):
            command["sessionId"] = self.session
        os.write(self.write_fd, json.dumps(command).encode() + b"\0")
        end = time.monotonic() + WAIT_SECONDS
        while True:
            message = self.message(end)
            if message.get("id") == self.number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']['message']}")
                return message["result"]

    # ---- what tests do ----

    def open(self, path):
        self.requests, self.errors = [], []
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.until("document.readyState === 'complete' && location.protocol === 'file:'", "the page is loaded")

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, script, what):
        end = time.monotonic() + WAIT_SECONDS
        while not self.evaluate(script):
            if time.monotonic() > end:
                raise BrowserError(f"not within {WAIT_SECONDS} s: {what}")
            time.sleep(0.01)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def place(self, selector, x=0.5, y=0.5):
        """A point of the window within the element, which is scrolled to."""
        return self.evaluate(f"""(() => {{
            const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: "center"}});
            const b = e.getBoundingClientRect();
            return [b.left + b.width * {x}, b.top + b.height * {y}];
        }})()""")

    def click_at(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else "left", clickCount=1)

    def click(self, selector):
        self.click_at(*self.place(selector))

    def key(self, name):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=KEYS[name])

    def type(self, selector, text):
        """Replaces what is in the field."""
        self.click(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        if text:
            self.call("Input.insertText", text=text)
        else:
            for kind in ("rawKeyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key="Delete", code="Delete", windowsVirtualKeyCode=46)

    def choose(self, selector, value):
        """An option of a list, as the list itself tells the page."""
        self.evaluate(f"""(() => {{
            const e = document.querySelector({json.dumps(selector)});
            e.value = {json.dumps(value)};
            e.dispatchEvent(new Event("change", {{bubbles: true}}));
        }})()""")

    def theme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path, whole=False):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
