"""What microphones, cameras and files have in common: one type of source serves live and file."""

from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item", covariant=True)


class EndOfStream(Exception):  # noqa: N818  an ordinary end, like StopIteration
    """Nothing more will come from a source."""


class Source(Protocol[Item]):
    """``open``, ``start``, then ``read`` again and again, then ``close``.

    Items carry ``captured_at`` in ns since the session's epoch; those of a file, since the start
    of its earliest track. ``dropped`` counts what was captured and lost inside the source;
    ``fault`` says what is wrong where a device delivers nothing for now.
    """

    @property
    def dropped(self) -> int: ...

    @property
    def fault(self) -> str | None: ...

    def open(self) -> str:
        """Opens the source and describes it in one line. Raises SourceError."""

    def start(self, epoch: int) -> None:
        """Begins to deliver; ``epoch`` is the session's time 0 on the monotonic clock, in ns."""

    def read(self, timeout: float) -> Item | None:
        """The next item, or None where none came within ``timeout`` seconds.

        Raises EndOfStream after the last one, SourceError where a device has gone.
        """

    def close(self) -> None:
        """Lets go of the device or file; may be called at any time, also twice."""


class Device(Source[Item], Protocol[Item]):
    """A source that may go and come back."""

    def again(self) -> "Device[Item]":
        """A new source of the same device, to be found by its name or path."""


@runtime_checkable
class Seekable(Protocol):
    """A source whose beginning can be left out: a file."""

    def skip_to(self, moment: int) -> None:
        """Before anything is read: what was captured before ``moment`` (ns) need not be delivered,
        but for the last seconds of it."""
