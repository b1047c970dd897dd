"""The OBS overlay in real Chromium, over the real gateway, with a real feed behind it."""

from collections.abc import Callable, Iterator
from io import BytesIO

import msgspec
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from streamer.feed.messages import HealthMessage, Reliability
from streamer.feed.publisher import Publisher
from streamer.settings import load_settings
from streamer.web.gateway import Gateway
from tests.browser import chromium
from tests.feed_fixtures import health, sentiment
from tests.gateways import TOKEN, Served, served
from tests.plugin_fixtures import PLUGINS

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

FOLDER = PLUGINS / "obs-overlay"
expect.set_options(timeout=20_000)  # a busy machine is no failure


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def here() -> Iterator[Served]:
    with served(pages=FOLDER) as here:
        yield here


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page as large as a call's picture that must not complain."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    yield page
    page.close()
    assert complaints == []


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("never came")


def open_overlay(page: Page, here: Served, participant: str = "ann", query: str = "") -> None:
    """The overlay, once the gateway has sent it the last message of the feed."""
    frames: list[object] = []
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame))
    )
    here.publisher.publish(sentiment(0, value=-1.0, participant=participant))
    page.goto(here.http(f"/pages/overlay.html?participant={participant}{query}"))
    wait_until(page, lambda: len(frames) > 0)


def card(page: Page, name: str = "card") -> str:
    """The words in a part of the overlay."""
    return " ".join(page.locator(f"#{name}").inner_text().split())


def place(page: Page, name: str) -> tuple[float, float]:
    """Left end and width of a part, in pixels."""
    box = page.locator(f"#{name}").bounding_box()
    assert box is not None
    return box["x"], box["width"]


def test_an_estimate_with_its_uncertainty_and_reliability(page: Page, here: Served) -> None:
    open_overlay(page, here, query="&stale=600")
    noisy = Reliability(0.14, 0.5, 0.1, "noise")
    here.publisher.publish(sentiment(1, value=0.31, audio=noisy))
    expect(page.locator("#card")).to_be_visible()
    assert card(page).startswith("ann expressed sentiment +0.31 ± 0.20 negative neutral positive")
    assert card(page, "streams") == "words 90 % voice 14 % noise face 70 %"
    page.wait_for_timeout(500)  # until what moves has come to rest
    left, width = place(page, "scale")
    mark_left, mark_width = place(page, "mark")
    assert mark_left + mark_width / 2 == pytest.approx(left + width * (1 + 0.31) / 2, abs=1)
    assert place(page, "band")[1] == pytest.approx(width * 0.2, abs=1)
    here.publisher.publish(sentiment(2, value=-0.95))
    expect(page.locator("#value")).to_have_text("\N{MINUS SIGN}0.95")
    page.wait_for_timeout(500)
    assert place(page, "band")[0] == pytest.approx(left, abs=1)  # not beyond the scale's end


def test_all_but_the_card_is_transparent(page: Page, here: Served) -> None:
    open_overlay(page, here, query="&stale=600")

    def opaque() -> tuple[int, int, int, int] | None:
        picture = Image.open(BytesIO(page.screenshot(omit_background=True)))
        assert picture.size == (1920, 1080)
        box: tuple[int, int, int, int] | None = picture.getchannel("A").getbbox()
        return box

    assert opaque() is None
    here.publisher.publish(sentiment(1))
    expect(page.locator("#card")).to_be_visible()
    page.wait_for_timeout(500)
    box, drawn = page.locator("#card").bounding_box(), opaque()
    assert box
    assert drawn
    left, top, right, bottom = drawn
    assert left >= box["x"] - 1
    assert top >= box["y"] - 1
    assert right <= box["x"] + box["width"] + 1
    assert bottom <= box["y"] + box["height"] + 1


def test_abstention_says_why(page: Page, here: Served) -> None:
    open_overlay(page, here, query="&stale=600")
    here.publisher.publish(
        sentiment(1, value=None, reason="text: no words; <b>vision</b>: no face")
    )
    expect(page.locator("#value")).to_have_text("no estimate")
    assert card(page, "reason") == "text: no words; <b>vision</b>: no face"
    expect(page.locator("#mark")).to_be_hidden()
    expect(page.locator("#deviation")).to_have_text("")


def test_what_is_repeated_to_a_newcomer_is_not_shown_as_current(page: Page, here: Served) -> None:
    open_overlay(page, here, query="&stale=600")
    page.wait_for_timeout(600)
    expect(page.locator("#card")).to_be_hidden()


def test_a_late_revision_of_an_earlier_window_replaces_nothing(page: Page, here: Served) -> None:
    open_overlay(page, here, query="&stale=600")
    for message in (
        sentiment(2, value=0.5),
        sentiment(1, value=-0.9, revision=1),
        sentiment(2, value=0.6, revision=1),
    ):
        here.publisher.publish(message)
    expect(page.locator("#value")).to_have_text("+0.60")
    here.publisher.publish(sentiment(1, value=-0.9, revision=2))
    here.publisher.publish(health())
    page.wait_for_timeout(600)
    expect(page.locator("#value")).to_have_text("+0.60")


@pytest.mark.parametrize("state", ["bye", "paused"])
def test_it_hides_when_the_session_ends_or_pauses(page: Page, here: Served, state: str) -> None:
    open_overlay(page, here, query="&stale=600")
    here.publisher.publish(sentiment(1))
    expect(page.locator("#card")).to_be_visible()
    here.publisher.publish(changed(health(), state))
    expect(page.locator("#card")).to_be_hidden()
    here.publisher.publish(sentiment(2))
    expect(page.locator("#card")).to_be_visible()


def test_it_hides_when_nothing_new_comes(page: Page, here: Served) -> None:
    open_overlay(page, here, query="&stale=1")
    here.publisher.publish(sentiment(1))
    expect(page.locator("#card")).to_be_visible()
    for _ in range(10):
        here.publisher.publish(health())  # the session lives, and has nothing to say
        page.wait_for_timeout(200)
    expect(page.locator("#card")).to_be_hidden()


def test_each_page_shows_its_own_participant(browser: Browser, page: Page, here: Served) -> None:
    other = browser.new_page()
    open_overlay(page, here, "ann", "&stale=600")
    open_overlay(other, here, "anna", "&stale=600")
    here.publisher.publish(sentiment(1, value=0.1, participant="ann"))
    here.publisher.publish(sentiment(1, value=0.9, participant="anna"))
    expect(page.locator("#value")).to_have_text("+0.10")
    expect(other.locator("#value")).to_have_text("+0.90")
    other.close()


def test_it_comes_back_with_the_gateway(browser: Browser) -> None:
    options = {"dashboard.port": 0, "dashboard.token": TOKEN, "dashboard.pages": str(FOLDER)}
    page = browser.new_page()
    number = 0

    def publish_until(publisher: Publisher, state: str) -> None:
        nonlocal number
        locator = page.locator("#card")
        for _ in range(200):
            publisher.publish(sentiment(number := number + 1))
            page.wait_for_timeout(100)
            if locator.is_visible() == (state == "visible"):
                return
        raise AssertionError(f"never {state}")

    with Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher:
        for _ in range(2):
            with (
                Gateway(load_settings(options=options).dashboard, say=lambda _: None) as gateway,
                gateway.hearing(publisher.address),
            ):
                if options["dashboard.port"] == 0:
                    options["dashboard.port"] = gateway.port
                    page.goto(
                        f"http://127.0.0.1:{gateway.port}/pages/overlay.html"
                        f"?token={TOKEN}&participant=ann&stale=1"
                    )
                publish_until(publisher, "visible")
            publish_until(publisher, "hidden")
    page.close()


@pytest.mark.parametrize(
    "query", ["", "?participant=", "?participant=a/b", "?participant=a&stale=x"]
)
def test_a_wrong_address_says_what_is_wrong(page: Page, here: Served, query: str) -> None:
    page.goto(here.http(f"/pages/overlay.html{query}"))
    expect(page.locator("#notice")).to_be_visible()
    assert "stale=x" in card(page, "notice") or "?participant=NAME" in card(page, "notice")
    expect(page.locator("#card")).to_be_hidden()


def changed(message: HealthMessage, state: str) -> HealthMessage:
    return msgspec.convert(msgspec.structs.asdict(message) | {"state": state}, HealthMessage)
