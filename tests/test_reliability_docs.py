"""The ramps that the documentation tells are those that judge."""

import re
from pathlib import Path

import pytest

from models.reliability import audio, face, words
from models.reliability.scores import Ramps

PAGE = Path("docs/reliability.md")
TABLES: dict[str, tuple[Ramps, Ramps]] = {
    "Audio": (audio.AUDIO, audio.RECENT_AUDIO),
    "Words": (words.WORDS, {}),
    "Vision": (face.FACE, face.RECENT_FACE),
}
"""Of a window and of its last second, by the page's headings."""


def told(ramps: Ramps, measure: str) -> str:
    """As the page writes a ramp: from where it falls, until where, and its least score."""
    if measure not in ramps:
        return ""
    ramp = ramps[measure]
    ends = (f"{end:.4g}" if abs(end) >= 1000 else f"{end:.3g}" for end in (ramp.good, ramp.bad))
    return f"{' to '.join(ends)}: {'0' if not ramp.least else f'{ramp.least:.2f}'}"


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_tells_the_ramps_that_are_shipped(heading: str) -> None:
    section = PAGE.read_text().partition(f"### {heading}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \|([^|]*)\|([^|]*)\|", section, re.MULTILINE)
    window, recent = TABLES[heading]
    expected = {name: (told(window, name), told(recent, name)) for name in {*window, *recent}}
    assert {name: (of.strip(), last.strip()) for name, of, last in rows} == expected
