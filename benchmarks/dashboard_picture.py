"""A picture of the dashboard, for docs/dashboard.md.

    qamoe-stream demo --config max.yaml --ui json > demo.jsonl     # max.yaml: source: {speed: max}
    python -m benchmarks.dashboard_picture docs/dashboard.webp --at 57 < demo.jsonl

The messages go through a real publisher, gateway and Chromium.
"""

import argparse
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Position, sync_playwright

from benchmarks.picture import messages
from streamer.feed.publisher import Publisher
from streamer.settings import load_settings
from streamer.web.gateway import Gateway

WIDTH, HEIGHT = 1280, 900
LOOK_AT = 0.345
"""The moment that is pointed at, as a share of the time shown."""

SETTLING_MS = 3000
"""Until words that have just come are no longer marked."""


def main() -> None:
    """Draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--at", type=float, default=46.0, help="seconds into the run")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    chosen = parser.parse_args()
    with (
        Publisher("tcp://127.0.0.1:0", "json", blocking=True) as publisher,
        Gateway(load_settings(options={"dashboard.port": 0}).dashboard) as gateway,
        gateway.hearing(publisher.address),
        sync_playwright() as playwright,
    ):
        if not publisher.wait_for_subscriber(10):
            parser.error("the gateway does not listen")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=chosen.scheme
        )
        page.goto(gateway.url)
        page.locator("#state[data-state=waiting]", has_text="waiting for a session").wait_for()
        for _, message in messages(sys.stdin, chosen.at):
            publisher.publish(message)
        page.locator("#state[data-state=live]").wait_for()
        for _ in range(SETTLING_MS // 500):
            page.wait_for_timeout(500)
            publisher.publish(message)  # as a session does, which is not silent meanwhile
        page.locator(".moment").hover(position=spot(page))
        page.wait_for_timeout(300)
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        shot.save(chosen.target, quality=85, method=6)
        browser.close()


def spot(page: Page) -> Position:
    """Where the pointer rests on the timeline."""
    box = page.locator(".moment").bounding_box()
    if box is None:
        raise SystemExit("the page shows no timeline")
    return {"x": LOOK_AT * box["width"], "y": 40}


if __name__ == "__main__":
    main()
