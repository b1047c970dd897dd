"""How long ``from streamer.feed import Subscriber`` takes, beside Python's own start.

    python -m benchmarks.client_import [--runs 21]

Every import runs in a fresh interpreter, in turn with one that imports nothing, so that both see
the same machine; times vary with it, so nothing here is asserted.
"""

import argparse
import resource
import subprocess
import sys
import time

PROGRAMS = {
    "nothing": "pass",
    "Subscriber": "from streamer.feed import Subscriber",
    "AsyncSubscriber": "from streamer.feed import AsyncSubscriber",
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    options = parser.parse_args()
    wall: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    processor: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(options.runs):
        for name, program in PROGRAMS.items():
            begun, used = time.perf_counter(), _children_ms()
            subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
            wall[name].append(1000 * (time.perf_counter() - begun))
            processor[name].append(_children_ms() - used)
    print(f"ms more than Python's own start, in {options.runs} runs each")
    for name in list(PROGRAMS)[1:]:
        least = min(wall[name]) - min(wall["nothing"])
        cost = min(processor[name]) - min(processor["nothing"])
        print(f"{name:16} {least:4.0f} at best, {cost:4.0f} of processor time")


def _children_ms() -> float:
    """Processor time of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (usage.ru_utime + usage.ru_stime)


if __name__ == "__main__":
    main()
