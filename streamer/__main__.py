"""The command's first line: an interrupt is an end in order while it still loads, too."""

import sys

from streamer.signals import ignore_from_now_on, interrupt_once


def main() -> None:
    """Run the command line; see streamer.cli."""
    try:
        try:
            interrupt_once()
            from streamer.cli import main as command

            command()
        finally:
            ignore_from_now_on()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
