"""The Ray actor that every stage of the pipeline lives in."""

from importlib import import_module
from typing import Any


class Host:
    """Builds its stage in ``open``, not in the constructor.

    So the stage's heavy libraries are imported in the actor's process alone, and what goes wrong
    comes back to the caller as the error it is, not as the death of an actor.
    """

    def __init__(self, stage: str, *arguments: Any) -> None:
        """``stage`` is "module:class"; ``arguments`` are those of its constructor."""
        self._name = stage
        self._arguments = arguments
        self._stage: Any = None

    def open(self) -> str:
        """Build and open the stage; one line that says what it has got hold of."""
        module, _, name = self._name.partition(":")
        self._stage = getattr(import_module(module), name)(*self._arguments)
        return str(self._stage.open())

    def push(self, packet: Any) -> None:
        """Hand a packet to the stage; returns when the stage has taken it."""
        self._stage.push(packet)

    def call(self, method: str, *arguments: Any) -> Any:
        """Call any other method of the stage."""
        return getattr(self._stage, method)(*arguments)
