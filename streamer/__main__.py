"""The command's first line: an interrupt is an end in order while it still loads, too."""

import sys

from streamer.signals import interrupt_once


def main() -> None:
    """Run the command line; see streamer.cli."""
    interrupt_once()
    try:
        from streamer.cli import main as command
    except KeyboardInterrupt:
        sys.exit(0)
    command()


if __name__ == "__main__":
    main()
