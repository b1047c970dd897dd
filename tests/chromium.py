"""Real Chromium, driven by Playwright, for the tests of what browsers show."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

OFFLINE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",  # which root may not use; only pages of this project are opened
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window; skips the test where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(OFFLINE))
        try:
            yield browser
        finally:
            browser.close()
