"""A real Chromium that looks at pages, for the tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""What keeps it from asking the network for things of its own."""

PATIENCE_MS = 20_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips the test where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    sandbox = () if os.getuid() else ("--no-sandbox",)  # Chromium's own refuses to run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *sandbox])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Look:
    """A page, what its console has complained of, and where it has asked for anything."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def until(self, condition: str, argument: Any = None, patience_ms: float = PATIENCE_MS) -> None:
        """Waits until the JavaScript ``condition`` holds."""
        self.page.wait_for_function(condition, arg=argument, timeout=patience_ms)

    def until_text(self, selector: str, text: str, patience_ms: float = PATIENCE_MS) -> None:
        """Waits until the element says ``text`` somewhere."""
        says = "([at, text]) => document.querySelector(at)?.innerText.includes(text)"
        self.until(says, [selector, text], patience_ms)


@contextmanager
def looking(
    browser: Browser, url: str, width: int = 1280, height: int = 900, **options: Any
) -> Iterator[Look]:
    """A fresh visitor to ``url``, who leaves nothing behind."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    look = Look(context.new_page())

    def complain(what: Any) -> None:
        look.complaints.append(str(getattr(what, "text", what)))

    look.page.on("console", complain)
    look.page.on("pageerror", complain)
    look.page.on("request", lambda request: look.hosts.add(urlsplit(request.url).netloc))
    look.page.on("websocket", lambda opened: look.hosts.add(urlsplit(opened.url).netloc))
    try:
        look.page.goto(url, timeout=PATIENCE_MS)
        yield look
    finally:
        context.close()
