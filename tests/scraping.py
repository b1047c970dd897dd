"""Metrics as Prometheus reads them: over HTTP, with its own parser."""

import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, ...], float]


def read(text: str) -> Samples:
    """Every sample by its name and the values of its labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def documented(heading: str) -> set[str]:
    """The metrics in the table below a heading of docs/observability.md."""
    text = (Path(__file__).parent.parent / "docs" / "observability.md").read_text()
    below = text.split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line for line in below.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(qamoe_\w+)`", row.split("|")[1])}


def families(text: str) -> set[str]:
    """The names that documents use: a counter's with its ending, a histogram's without."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    }


def listening_at(port: int) -> list[str]:
    """The addresses of this machine at which somebody listens on ``port``."""
    return [
        one.laddr.ip
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    ]


def scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def scraped_when(url: str, holds: Callable[[Samples], bool], patience: float = 10.0) -> Samples:
    """The first scrape for which ``holds``: messages need a moment to arrive."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        samples = read(scrape(url))
        if holds(samples):
            return samples
        time.sleep(0.05)
    raise AssertionError(f"never came: {samples}")
