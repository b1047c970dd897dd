"""The film that benchmarks play: a talking head of the research data, unless another is given."""

import argparse
import os
from pathlib import Path

TALKING_HEAD = (
    Path(os.environ.get("QAMOE_DATA", "../shared/data")) / "clips" / "talking_head_en_8s.mp4"
)


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The command's options, with ``--file`` among them; an error where that is not there."""
    parser.add_argument("--file", type=Path, default=TALKING_HEAD)
    chosen = parser.parse_args()
    if not chosen.file.is_file():
        parser.error(f"{chosen.file}: no such file; --file takes any clip with a voice and a face")
    return chosen
