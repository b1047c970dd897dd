"""Freed memory, as the system sees it."""

import numpy as np
import psutil
import pytest

from actors.heap import TRIM_SECONDS, Heap

PIECE = 100_000
"""Bytes; glibc keeps what is smaller than 128 KiB on its heap."""


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


def test_what_was_freed_between_pieces_in_use_is_given_back_once_a_minute() -> None:
    now = 0.0
    heap = Heap(lambda: now)
    if heap._trim is None:
        pytest.skip("this C library has no malloc_trim")
    pieces = [np.ones(PIECE, np.uint8) for _ in range(2000)]
    kept = pieces[::20]
    del pieces
    before = resident()
    now = TRIM_SECONDS / 2
    heap.tidy()
    assert before - resident() < 20 * PIECE
    now = TRIM_SECONDS
    heap.tidy()
    assert before - resident() > 1000 * PIECE
    assert all(piece.all() for piece in kept)


def test_where_there_is_nothing_to_do_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    heap = Heap(iter([0.0, TRIM_SECONDS]).__next__)
    assert heap._trim is None
    heap.tidy()
