"""The dashboard in a real Chromium, over a real feed."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from streamer.feed.messages import Message, Reliability, Retreat
from streamer.feed.publisher import Publisher
from streamer.web.application import STATIC
from streamer.web.gateway import Gateway
from tests.browser import Look, chromium, looking
from tests.commands import free_port
from tests.feed_fixtures import health, sentiment, transcript
from tests.gateways import Served, gateway_settings, served

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

SHA256 = {
    "uPlot.esm.js": "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
MINUS = "\N{MINUS SIGN}"
NOISE = Reliability(0.12, 0.7, 0.12, "noise")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def here() -> Iterator[Served]:
    with served() as here:
        yield here


@pytest.fixture
def look(browser: Browser, here: Served) -> Iterator[Look]:
    """The dashboard of a feed on which nothing has been said yet; at its end it must be clean."""
    with looking(browser, here.http()) as look:
        look.until_text("#state", "waiting for a session")
        yield look
        assert look.complaints == []
        assert look.hosts == {f"127.0.0.1:{here.port}"}


def tell(here: Served, *messages: Message) -> None:
    for message in messages:
        here.publisher.publish(message)


def a_minute(participant: str = "ann") -> list[Message]:
    """A run with noise on the voice for a while, and then no estimate."""
    windows: list[Message] = [
        sentiment(
            number,
            value=None if 80 <= number < 96 else 0.4 - number / 200,
            reason="nothing is reliable enough" if 80 <= number < 96 else None,
            audio=NOISE if 40 <= number < 60 else None,
            participant=participant,
        )
        for number in range(112)
    ]
    spoken = [transcript("it was the best of times", start=3.0 + 9 * turn) for turn in range(6)]
    return [*windows, *spoken, health(windows=112, vision_dropped=3, participant=participant)]


def test_it_shows_what_the_feed_says(here: Served, look: Look) -> None:
    tell(here, *a_minute())
    look.until_text("#number", f"{MINUS}0.16")
    assert look.text("#uncertainty") == "± 0.20"
    assert look.text("#label") == "negative"
    assert look.text("#state") == "live"
    assert look.text("#latency") == "80 ms, p95 80 ms"
    assert look.text("#dropped") == "vision 3"
    assert look.text("#windows") == "112, 0 late"
    assert look.text("#lost") == "0 messages"
    assert look.text("#transcript").count("it was the best of times") == 6
    assert "forbidden" in look.text("footer")
    assert look.page.title() == "ann · qamoe-stream"
    assert look.page.locator("#timeline canvas").count() == 4


def test_what_is_left_out_since_the_machine_is_too_slow_stands_in_the_state(
    here: Served, look: Look
) -> None:
    tell(here, sentiment(), health(retreat=Retreat(4, "words paused", "sound was late", 83.5)))
    look.until_text("#state", "live: too slow: words paused since 1:23")
    tell(here, health())
    look.until_text("#state", "live")


def test_an_abstention_is_no_estimate_and_never_neutral(here: Served, look: Look) -> None:
    tell(here, sentiment(0), sentiment(1, value=None, reason="too dark"), health())
    look.until_text("#number", "No estimate")
    assert look.text("#reason") == "too dark"
    assert look.text("#label") == look.text("#uncertainty") == ""
    assert "neutral" not in look.text("#now")
    assert "no estimate" in look.text("#tabs")


def test_words_that_land_late_revise_their_window(here: Served, look: Look) -> None:
    tell(here, sentiment(0, value=0.1), sentiment(1, value=0.2), health())
    look.until_text("#number", "+0.20")
    tell(here, sentiment(0, value=0.9, revision=1))
    tell(here, sentiment(1, value=0.5, revision=1))
    look.until_text("#number", "+0.50")
    assert "revised" in look.text("#reason")
    look.page.locator(".moment").focus()
    look.page.keyboard.press("Home")
    assert "+0.90" in look.text(".tip")


def test_reasons_show_on_hover_and_on_the_keyboard(here: Served, look: Look) -> None:
    tell(here, *a_minute())
    look.until_text("#number", f"{MINUS}0.16")
    slider = look.page.locator(".moment")
    box = slider.bounding_box()
    assert box is not None
    assert not look.page.locator(".tip").is_visible()
    look.page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 20)  # 27.5 s
    assert "0.12, noise" in look.text(".tip")
    look.page.mouse.move(2, 2)
    assert not look.page.locator(".tip").is_visible()
    slider.focus()
    look.page.keyboard.press("End")
    for _ in range(2):
        look.page.keyboard.press("PageDown")
    spoken = slider.get_attribute("aria-valuetext") or ""
    assert "no estimate: nothing is reliable enough" in spoken
    assert "nothing is reliable enough" in look.text(".tip")
    look.page.keyboard.press("Escape")
    assert not look.page.locator(".tip").is_visible()


def test_participants_are_tabs_for_the_keyboard(here: Served, look: Look) -> None:
    tell(here, sentiment(value=0.1), sentiment(value=-0.7, participant="bob"), health())
    look.until("() => document.querySelectorAll('[role=tab]').length === 2")
    look.until_text("#number", "+0.10")
    look.page.locator("#tab-ann").focus()
    look.page.keyboard.press("ArrowRight")
    look.until_text("#number", f"{MINUS}0.70")
    assert look.page.locator("#tab-bob").get_attribute("aria-selected") == "true"
    assert look.page.locator("#tab-ann").get_attribute("tabindex") == "-1"
    assert look.page.locator("#panel").get_attribute("aria-labelledby") == "tab-bob"
    look.page.keyboard.press("Home")
    look.until_text("#number", "+0.10")


def test_the_whole_page_can_be_reached_with_the_keyboard(here: Served, look: Look) -> None:
    tell(here, *a_minute())
    look.until_text("#number", f"{MINUS}0.16")
    focused = "(({id, className}) => id || className)(document.activeElement)"
    reached = set()
    for _ in range(12):
        look.page.keyboard.press("Tab")
        reached.add(look.page.evaluate(focused))
    assert {"skip", "tab-ann", "theme", "moment", "transcript"} <= reached
    assert look.page.evaluate("document.querySelector('#span input:checked').value") == "60"
    look.page.locator("#span input").first.focus()
    look.page.keyboard.press("ArrowRight")
    assert look.page.evaluate("document.querySelector('#span input:checked').value") == "300"


def test_the_state_of_the_session_is_told(here: Served, look: Look) -> None:
    paused = msgspec.structs.replace(health(), state="paused")
    tell(here, sentiment(), paused)
    look.until_text("#state", "paused")
    tell(here, health())
    look.until_text("#state", "live")
    tell(here, health(bye=True, reason="the source has ended"))
    look.until_text("#state", "ended: the source has ended")
    assert "as of 0:04" in look.text("#reason")
    tell(here, sentiment(session="s2", value=0.9), health(session="s2"))
    look.until_text("#state", "live")
    look.until_text("#number", "+0.90")


def test_silence_is_no_life(browser: Browser, here: Served) -> None:
    with looking(browser, here.http()) as look:
        look.page.clock.install()
        look.page.reload()
        tell(here, sentiment(), health())
        for _ in range(100):
            look.page.clock.run_for(100)
            if look.text("#state") == "live":
                break
        look.page.clock.run_for(5000)
        assert re.fullmatch(r"silent for \d s", look.text("#state"))
        assert "as of" in look.text("#reason")


def test_a_lost_connection_is_told_and_found_again(browser: Browser) -> None:
    settings = gateway_settings(port=free_port())
    with Publisher("tcp://127.0.0.1:0", "json", blocking=False) as publisher:
        with Gateway(settings) as gateway, gateway.hearing(publisher.address):
            assert publisher.wait_for_subscriber(10)
            publisher.publish(sentiment(value=0.3))
            context = looking(browser, gateway.url)
            look = context.__enter__()
            look.until_text("#number", "+0.30")
        try:
            look.until_text("#state", "connection lost, next try in")
            assert "as of" in look.text("#reason")
            with Gateway(settings) as gateway, gateway.hearing(publisher.address):
                look.until("() => document.querySelector('#state').dataset.state !== 'lost'")
                publisher.publish(sentiment(1, value=0.6))
                look.until_text("#number", "+0.60")
        finally:
            context.__exit__(None, None, None)


def test_nothing_on_the_feed_becomes_markup(here: Served, look: Look) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    bad = Reliability(0.1, 0.1, 0.1, evil)
    tell(here, sentiment(value=None, reason=evil, audio=bad), transcript(evil), health(reason=evil))
    look.until_text("#number", "No estimate")
    assert look.text("#reason") == evil
    look.page.locator(".moment").focus()
    look.page.keyboard.press("Home")
    assert evil in look.text(".tip")
    assert look.page.locator("img[src=x], body script").count() == 0


def test_the_announcer_speaks_politely_and_seldom(here: Served, look: Look) -> None:
    region = look.page.locator("#announcer")
    assert region.get_attribute("aria-live") == "polite"
    look.page.evaluate(
        """() => {
            window.told = 0;
            const watch = new MutationObserver(() => { window.told += 1; });
            watch.observe(document.getElementById("announcer"), {childList: true, subtree: true});
        }"""
    )
    for number in range(20):
        tell(here, sentiment(number, value=0.5 - number / 20), health())
        look.until(
            "end => document.querySelector('#reason').innerText.includes(end)",
            f"to 0:{4 + number / 2:04.1f}",
        )
    assert look.page.evaluate("window.told") <= 3


def test_what_the_browser_keeps_is_bounded(look: Look) -> None:
    kept = look.page.evaluate(
        """async ([window_, spoken]) => {
            const { Store } = await import("/static/js/store.js");
            const store = new Store();
            for (let n = 0; n < 4000; n += 1) {
                const end = 4 + n / 2;
                const seq = n < 10 ? n : n + 2;
                store.add({...window_, seq, window: {start: end - 4, end}}, n);
                const words = [{text: "word", start: end, end: end + 0.3, probability: 1}];
                store.add({...spoken, seq: n, words}, n);
            }
            const late = [{text: "late", start: 1990.1, end: 1990.2, probability: 1}];
            store.add({...spoken, seq: 4000, words: late}, 4000);
            for (let n = 0; n < 100; n += 1) store.add({...window_, participant: "p" + n}, n);
            const ann = store.participants.get("ann");
            const at = ann.words.findIndex((word) => word.text === "late");
            return {
                windows: ann.windows.size, words: ann.words.length, latencies: ann.latencies.length,
                participants: store.participants.size, lost: ann.lost,
                inPlace: ann.words[at - 1].start < 1990.1 && ann.words[at + 1].start > 1990.1,
            };
        }""",
        [msgspec.to_builtins(sentiment()), msgspec.to_builtins(transcript("a"))],
    )
    assert kept["windows"] <= 1300
    assert kept["words"] <= 1300
    assert kept["latencies"] <= 240
    assert kept["participants"] == 32
    assert kept["lost"] == 2
    assert kept["inPlace"]


def test_a_new_analysis_goes_on_and_a_new_session_begins_anew(look: Look) -> None:
    windows = look.page.evaluate(
        """async ([window_, health]) => {
            const { Store } = await import("/static/js/store.js");
            const store = new Store();
            const at = (end, fields) => ({...window_, window: {start: end - 4, end}, ...fields});
            const counts = [];
            const add = (message) => {
                store.add(message, 0);
                counts.push(store.participants.get("ann").windows.size);
            };
            add(at(50, {seq: 90}));
            add({...health, seq: 40, uptime_s: 50});
            add(at(52, {seq: 91, session_epoch: 1}));
            add({...health, seq: 0, session_epoch: 1, uptime_s: 52});
            add({...health, seq: 0, uptime_s: 1, published_at: 9});
            add(at(4, {seq: 0}));
            return counts;
        }""",
        [msgspec.to_builtins(sentiment()), msgspec.to_builtins(health())],
    )
    assert windows == [1, 1, 2, 2, 0, 1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_and_has_no_barriers(
    browser: Browser, here: Served, tmp_path: Path, scheme: str, width: int
) -> None:
    tell(here, *a_minute(), *a_minute("a-participant-with-quite-a-long-name"))
    with looking(browser, here.http(), width=width, color_scheme=scheme) as look:
        look.until_text("#number", f"{MINUS}0.16")
        assert look.page.evaluate("document.documentElement.scrollWidth") <= width
        look.page.locator(".moment").focus()
        look.page.keyboard.press("PageDown")
        found = Axe().run(look.page)
        assert found.violations_count == 0, found.generate_report()
        picture = tmp_path / f"dashboard-{width}-{scheme}.png"
        look.page.screenshot(path=picture, full_page=True)
        assert len(set(picture.read_bytes())) > 200
        assert look.complaints == []


def test_the_theme_follows_the_system_until_one_is_chosen(browser: Browser, here: Served) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with looking(browser, here.http(), color_scheme="dark") as look:
        look.until_text("#theme", "Theme: auto")
        dark = look.page.evaluate(background)
        look.page.locator("#theme").click()
        assert look.text("#theme") == "Theme: light"
        light = look.page.evaluate(background)
        assert light != dark
        look.page.reload()
        look.until_text("#theme", "Theme: light")
        assert look.page.evaluate(background) == light


def test_without_the_token_there_is_no_page(browser: Browser, here: Served) -> None:
    with looking(browser, here.http(token=None)) as look:
        assert look.text("body").strip() == "403: no token"


def test_shipped_libraries_are_as_they_were_published() -> None:
    folder = STATIC / "vendor" / "uplot"
    assert {file.name for file in folder.iterdir()} == set(SHA256)
    for name, digest in SHA256.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_no_file_asks_for_anything_from_elsewhere() -> None:
    for file in [*STATIC.glob("*.*"), *(STATIC / "js").iterdir(), *(STATIC / "style").iterdir()]:
        addresses = re.findall(r"(?:https?:)?//[a-z][\w.]*\.[a-z]+[^\s\"']*", file.read_text())
        assert [at for at in addresses if "www.w3.org" not in at] == [], file.name
