"""A picture of the terminal view, for the README.

qamoe-stream demo --ui json | python -m benchmarks.picture docs/live-view.svg --at 21
"""

import argparse
import io
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from rich.console import Console as Terminal

from streamer.console import Console
from streamer.feed.messages import KINDS, HealthMessage, Message
from streamer.packets import STREAMS
from streamer.reel import captions
from streamer.run import caption_at
from streamer.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--at", type=float, default=21.0, help="seconds into the demo")
    chosen = parser.parse_args()
    terminal = Terminal(record=True, width=90, file=io.StringIO(), force_terminal=True)
    view = Console(STREAMS, show_transcript=True, terminal=terminal)
    shown = captions(load_settings(scene="demo").damage)
    for end, message in messages(sys.stdin, chosen.at):
        view.update(message)
        view.caption = caption_at(shown, end)
    terminal.print(view.render())
    svg = terminal.export_svg(title="qamoe-stream demo")
    # The picture must not make its reader's machine fetch a font.
    chosen.target.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


def messages(lines: Iterable[str], until: float) -> Iterator[tuple[float, Message]]:
    """The messages in the lines of ``--ui json`` that tell of the first ``until`` seconds, and the
    second each tells of."""
    for line in lines:
        kind = re.match(r'\{"schema":"qamoe\.(\w+)/', line)
        if kind is None:
            continue
        message = msgspec.json.decode(line, type=KINDS[kind[1]])
        end = message.uptime_s if isinstance(message, HealthMessage) else message.window.end
        if end <= until:
            yield end, message


if __name__ == "__main__":
    main()
