"""What the features and the fusion cost a second of media, on one thread.

    python -m benchmarks.cost [--file FILE] [--seconds 30]

The parts run alone, one after the other, over the same media as a session would call them: 15
pictures and two windows a second. Times vary with the machine, so nothing here is asserted.
"""

import argparse

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.film import parsed
from streamer.doctor import components as bare
from streamer.settings import load_settings


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parsed(parser)
    torch.set_num_threads(1)
    settings = load_settings(options={"source.file": str(options.file)})
    windows = round(options.seconds / settings.window.hop)
    words, fusion = bare.network(settings, windows)
    voice, decoding = bare.whisper(settings, options.seconds)
    parts = {
        "words: MiniLM": words,
        "voice: Whisper's encoder, prosody": voice,
        "face: landmarks, blendshapes, expression": bare.face(settings, options.seconds),
        "fusion: QA-MoE": fusion,
    }
    table = Table("part", "ms a second of media", title="processor time on one thread")
    for name, seconds in parts.items():
        table.add_row(name, f"{1000 * seconds / options.seconds:.0f}")
    table.add_section()
    table.add_row("sum", f"{1000 * sum(parts.values()) / options.seconds:.0f}")
    table.add_row("beside it, Whisper's decoder", f"{1000 * decoding / options.seconds:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
