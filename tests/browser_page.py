"""A headless Chromium that opens pages from files with a width and a colour scheme, and reports logs and requests."""

import base64
import json
import logging
import shutil
import time
from pathlib import Path

import pytest

PROGRAMS = "chromium", "chromedriver"
AXE = Path(__file__).parents[1] / "build/browser/axe.min.js"
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
STUDY = Path(__file__).parents[1] / "docs/study.json"  # the one that the browser tests show
HEIGHT = 900
SAVED = ".json", ".csv", ".svg", ".png"
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36}
KEYS |= {"ArrowLeft": 37, "ArrowRight": 39}
A4 = 8.27, 11.69  # inches


def missing_programs():
    """Return the programs that are not installed here."""
    return [name for name in PROGRAMS if not shutil.which(name)]


needs_browser = pytest.mark.skipif(
    bool(missing_programs()), reason=f"not installed, see tests/browser.sh: {', '.join(missing_programs())}"
)
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="not fetched, see tests/browser.sh: axe-core")


class Browser:
    """A browser with a fresh profile and no network."""

    def __init__(self, folder: Path):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        logging.getLogger("selenium").setLevel(logging.WARNING)  # its messages contain all of axe-core
        self.downloads = folder / "downloads"
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (*FLAGS.split(), f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(60)
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))

    def close(self):
        self.driver.quit()

    def send(self, command, **values):
        """Return the answer to a command of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def run(self, script, *values):
        """Return the value of a script; an expression needs no `return`."""
        return self.driver.execute_script(script if "return " in script else f"return {script}", *values)

    def open(self, path: Path, width, scheme="light", *, scripts=True, unfold=True):
        """Open a page, by default with all its details unfolded; clear the logs before."""
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        # A phone lays a page out with the width of its meta element.
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.point(0, 0)
        self.driver.get("about:blank")
        self.complaints(), self.requests()
        self.driver.get(path.as_uri())
        if unfold:
            self.run("for (const one of document.querySelectorAll('details')) one.open = true; return null")

    def complaints(self):
        """Return the warnings and errors of the console since the last call."""
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self):
        """Return the addresses that were requested since the last call, without those of embedded data."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        found = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [address for address in found if not address.startswith(("data:", "blob:", "about:"))]

    def point(self, x, y):
        """Move the mouse to a point."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def touch(self, x, y):
        """Touch a point."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def swipe(self, start, end):
        """Move a finger from one point to another."""
        first, last = ([{"x": x, "y": y}] for x, y in (start, end))
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=first)
        self.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=last)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key):
        """Press and release a key."""
        values = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"Enter": "\r", " ": " "}.get(key, "")
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **values)
        self.send("Input.dispatchKeyEvent", type="keyUp", **values)

    def check_quiet(self):
        """Fail if the page of this test wrote to the console, or asked for anything but itself."""
        assert self.complaints() == []
        requests = self.requests()
        assert len(requests) == 1
        assert requests[0].startswith("file:///")

    def show(self, element):
        """Scroll an element to the middle of the window, and wait until it is drawn."""
        self.driver.execute_async_script(
            "arguments[0].scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});"
            "requestAnimationFrame(() => requestAnimationFrame(arguments[1]))",
            element,
        )

    def download(self, selector):
        """Click on a link or a button, and return the file that it saves."""
        for path in self.downloads.glob("*"):
            path.unlink()
        self.run("document.querySelector(arguments[0]).click()", selector)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            new = [path for path in self.downloads.glob("*") if path.suffix in SAVED]
            if new and new[0].stat().st_size:  # an empty file keeps the name until the whole one replaces it
                return new[0]
            time.sleep(0.05)
        raise TimeoutError(f"{selector} saved no file")

    def print(self):
        """Return the pages that the page prints, as PDF."""
        found = self.send("Page.printToPDF", preferCSSPageSize=True, paperWidth=A4[0], paperHeight=A4[1])
        return base64.b64decode(found["data"])

    def find_faults(self):
        """Return the serious faults that axe-core finds on the page, each with its element."""
        self.run(AXE.read_text(encoding="utf-8") + "; return null")
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {resultTypes: ['violations']}).then(done, error => done({error: String(error)}))"
        )
        assert len(found["passes"]) > 15
        return [
            f"{fault['id']} ({fault['impact']}): {fault['help']}: {node['html'][:200]}"
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    def save_picture(self, path: Path):
        """Save a picture of the whole page."""
        root = self.run("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": root[0], "height": root[1], "scale": 1}
        found = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(found["data"]))
