"""Which threads do the work."""

import threading
from typing import Any

import pytest


def threads_in(monkeypatch: pytest.MonkeyPatch, owner: type, *methods: str) -> set[int]:
    """All threads that from now on ever call one of the ``methods`` of ``owner``'s objects, which
    do what they did."""
    seen: set[int] = set()

    def noting(method: Any) -> Any:
        def noted(*arguments: Any) -> Any:
            seen.add(threading.get_ident())
            return method(*arguments)

        return noted

    for name in methods:
        monkeypatch.setattr(owner, name, noting(getattr(owner, name)))
    return seen
