"""From what is known of participants to families of Prometheus metrics."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from streamer.metrics.participants import Participant

STREAMS = ("text", "audio", "vision")
"""The only ones shown: a label's values must be few and known."""

WHO = ("session", "participant")
STREAM = (*WHO, "stream")

Samples = Iterable[tuple[Sequence[str], float]]


def gauge(name: str, help_: str, labels: Sequence[str], samples: Samples) -> Metric:
    return _filled(GaugeMetricFamily(name, help_, labels=labels), samples)


def counter(name: str, help_: str, labels: Sequence[str], samples: Samples) -> Metric:
    return _filled(CounterMetricFamily(name, help_, labels=labels), samples)


def presence(known: Sequence[Participant], now: float, stale: float) -> Iterator[Metric]:
    """Who is there; all that is asked when deciding whether the other values mean anything."""
    up = [(_who(one), float(one.is_up(now, stale))) for one in known]
    yield gauge("qamoe_up", "1: heard lately; 0: silent, or has left", WHO, up)
    silent = [(_who(one), now - one.heard_at) for one in known]
    yield gauge("qamoe_silent_seconds", "Since the last message", WHO, silent)


def sentiment(up: Sequence[Participant]) -> Iterator[Metric]:
    """The last estimates. Of those who are up only: a value from the past looks like one of now."""
    messages = [(_who(one), one.sentiment) for one in up if one.sentiment is not None]
    estimates = [(who, said.sentiment) for who, said in messages if said.sentiment is not None]
    values = [(who, estimate.value) for who, estimate in estimates]
    yield gauge("qamoe_sentiment_value", "-1 negative to 1 positive", WHO, values)
    deviations = [(who, estimate.uncertainty) for who, estimate in estimates]
    yield gauge("qamoe_sentiment_uncertainty", "Standard deviation", WHO, deviations)
    abstaining = [(who, float(said.sentiment is None)) for who, said in messages]
    yield gauge("qamoe_sentiment_abstaining", "1: nothing is reliable", WHO, abstaining)
    reliabilities = [
        ((*who, stream), said.reliability[stream].value)
        for who, said in messages
        for stream in STREAMS
        if stream in said.reliability
    ]
    yield gauge("qamoe_stream_reliability", "0 nothing to 1 clean", STREAM, reliabilities)


def health(known: Sequence[Participant]) -> Iterator[Metric]:
    """How each session does, as its last health message says."""
    heard = [(_who(one), one.health) for one in known if one.health is not None]
    uptime = [(who, said.uptime_s) for who, said in heard]
    yield gauge("qamoe_uptime_seconds", "Since the session began", WHO, uptime)
    steps = [(who, 0.0 if said.retreat is None else said.retreat.step) for who, said in heard]
    yield gauge("qamoe_retreat_steps", "Steps gone down on a slow machine; 0: none", WHO, steps)
    for name, help_, field in (
        ("qamoe_windows", "Windows published, without revisions", "windows"),
        ("qamoe_late_windows", "Windows closed without a stream that was late", "late_windows"),
        ("qamoe_publisher_dropped", "Messages for a full subscriber", "publisher_dropped"),
        ("qamoe_analysis_restarts", "Analyses started anew in the session", "session_epoch"),
    ):
        yield counter(name, help_, WHO, [(who, getattr(said, field)) for who, said in heard])
    streams = [
        ((*who, stream), said.streams[stream])
        for who, said in heard
        for stream in STREAMS
        if stream in said.streams
    ]
    rates = [(labels, stream.rate) for labels, stream in streams]
    yield gauge("qamoe_stream_rate", "Pictures, hops or words a second", STREAM, rates)
    live = [(labels, float(stream.state == "live")) for labels, stream in streams]
    yield gauge("qamoe_stream_live", "1: the stream is live", STREAM, live)
    dropped = [(labels, stream.dropped) for labels, stream in streams]
    yield counter("qamoe_stream_dropped", "Lost inside the session", STREAM, dropped)


def _who(one: Participant) -> tuple[str, str]:
    return one.session, one.name


def _filled(family: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> Metric:
    for labels, number in samples:
        family.add_metric(labels, number)
    return family
