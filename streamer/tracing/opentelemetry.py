"""Windows as OpenTelemetry traces, to the one address that was named."""

import logging
import time
from collections.abc import Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer, set_span_in_context

from streamer.logs.event import Event
from streamer.tracing.windows import WindowTrace

log = logging.getLogger(__name__)

SECONDS = 2.0
"""For one delivery: the end of a session waits for the last."""

WAITING = 2048
"""Spans that wait to be delivered; of more the newest are lost."""

PATH = "/v1/traces"


class Traces:
    """Sends a trace for every window to the OTLP receiver at ``endpoint``, over HTTP.

    ``session`` names what the traces are of. What cannot be delivered is counted and logged.
    """

    def __init__(self, endpoint: str, session: str) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it is logged here
        self._exporter = _Exporter(endpoint.rstrip("/") + PATH)
        resource = Resource({"service.name": "qamoe-stream", "service.instance.id": session})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(self._exporter, max_queue_size=WAITING)
        )
        self._tracer: Tracer = self._provider.get_tracer("qamoe-stream")
        self._wall_clock = time.time_ns() - time.monotonic_ns()

    def add(self, trace: WindowTrace) -> None:
        """Have a window delivered, soon."""
        root = self._tracer.start_span(
            "window", start_time=self._wall(trace.begun), attributes={"qamoe.window": trace.hop}
        )
        for work in trace.work:
            span = self._tracer.start_span(
                work.span.stage,
                context=set_span_in_context(root),
                start_time=self._wall(work.span.begun),
                attributes={"qamoe.actor": work.actor, "qamoe.revision": work.span.revision},
            )
            span.end(self._wall(work.span.ended))
        root.end(self._wall(trace.ended))

    def close(self) -> None:
        """Deliver what waits, for a few seconds at most."""
        self._provider.shutdown()

    @property
    def outcome(self) -> str:
        """What has come of it, in one line."""
        lost = f", {self._exporter.lost} could not be delivered" if self._exporter.lost else ""
        return f"traces      {self._exporter.sent} spans to {self._exporter.endpoint}{lost}"

    def _wall(self, moment: int) -> int:
        return moment + self._wall_clock


class _Exporter(SpanExporter):
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.sent = 0
        self.lost = 0
        session = requests.Session()
        session.max_redirects = 0  # nobody but the receiver that was named
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=SECONDS, session=session)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception:  # whatever the library lets through must not stop the rest
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
        else:
            self.lost += len(spans)
            log.warning(Event("traces not delivered", spans=len(spans), lost=self.lost))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
