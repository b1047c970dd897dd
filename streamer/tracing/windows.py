"""From the spans of all actors to those of each window."""

from collections.abc import Iterator
from dataclasses import dataclass

from streamer.packets import SECOND
from streamer.settings import Settings
from streamer.tracing.spans import Span
from streamer.windows import REVISION_LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Work:
    """A span with the actor that did it, and the number of its process."""

    actor: str
    process: int
    span: Span


@dataclass(frozen=True, slots=True)
class WindowTrace:
    """All that was done for the window that ends with ``hop``, in order, from the capture of its
    newest signals to its last publication; on the monotonic clock (ns)."""

    hop: int
    begun: int
    ended: int
    work: tuple[Work, ...]


class Windows:
    """Collects work, and gives a window's when no revision of it can come any more.

    ``epoch`` is the value of the monotonic clock (ns) at session time 0.
    """

    def __init__(self, settings: Settings, epoch: int) -> None:
        self._epoch = epoch
        self._hop_ns = settings.window.hop_ns
        self._paced = settings.paced
        self._patience = REVISION_LIMIT_SECONDS * SECOND // self._hop_ns
        self._open: dict[int, list[Work]] = {}

    def add(self, work: Work) -> Iterator[WindowTrace]:
        """Take in a piece of work; the windows that are over with it."""
        self._open.setdefault(work.span.hop, []).append(work)
        while len(self._open) > 1 and min(self._open) < max(self._open) - self._patience:
            yield self._close(min(self._open))

    def rest(self) -> Iterator[WindowTrace]:
        """The windows that are left, at the end."""
        while self._open:
            yield self._close(min(self._open))

    def _close(self, hop: int) -> WindowTrace:
        work = sorted(self._open.pop(hop), key=lambda each: each.span.begun)
        begun = work[0].span.begun
        if self._paced:  # elsewhere nothing is captured at a time of its own
            begun = min(begun, self._epoch + hop * self._hop_ns)
        return WindowTrace(hop, begun, max(each.span.ended for each in work), tuple(work))
