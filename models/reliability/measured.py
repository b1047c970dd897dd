"""Evidence again from the measures that it was once made of, as the ramps have it now."""

from collections.abc import Mapping

from models.reliability.audio import AUDIO, RECENT_AUDIO
from models.reliability.face import FACE, RECENT_FACE
from models.reliability.scores import Ramps, absent, judge, lesser
from models.reliability.words import WORDS
from streamer.packets import Evidence, Stream

RECENT = "recent_"
"""What the names of the last second's measures begin with."""

_TABLES: Mapping[Stream, tuple[Ramps, Ramps]] = {
    "text": (WORDS, {}),
    "audio": (AUDIO, RECENT_AUDIO),
    "vision": (FACE, RECENT_FACE),
}


def judged_again(stream: Stream, measures: Mapping[str, float]) -> Evidence:
    """The evidence of a window of ``stream`` with these ``measures``, an Evidence's; where there
    are none the stream was absent."""
    if not measures:
        return absent("nothing was measured")
    window = {name: value for name, value in measures.items() if not name.startswith(RECENT)}
    recent = {name.removeprefix(RECENT): measures[name] for name in measures.keys() - window.keys()}
    of_window, of_recent = _TABLES[stream]
    found = judge(window, of_window)
    return lesser(found, judge(recent, of_recent)) if of_recent else found
