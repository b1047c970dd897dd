"""Pickles of arrays come back as they were; those that would do more are refused and not run."""

import builtins
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.study import numpy_pickle
from streamer.errors import SettingError


def write(folder: Path, content: object, protocol: int = 4) -> Path:
    path = folder / "values.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    return path


class Call:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "posix.system"),
        (builtins.eval, "builtins.eval"),
        (builtins.exec, "builtins.exec"),
        (builtins.getattr, "builtins.getattr"),
        (np.load, "numpy.load"),
        (np.fromfile, "numpy.fromfile"),
        (np.memmap, "numpy.memmap"),
        (bytearray, "builtins.bytearray"),
        (Path, "pathlib.Path"),
    ],
)
def test_calls_are_refused_by_name(tmp_path: Path, function: Any, name: str) -> None:
    trace = tmp_path / "trace"
    command = f"touch {trace}" if function is os.system else f"open({str(trace)!r}, 'w')"
    path = write(tmp_path, {"audio": np.zeros(2), "raw_text": [Call(function, command)]})
    with pytest.raises(SettingError, match="which is refused") as raised:
        numpy_pickle.read(path)
    assert name.split(".")[1] in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not trace.exists()


def program(*operations: bytes) -> bytes:
    return b"".join(operations) + b"."


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY = b"cnumpy\nndarray\n"
DTYPE = b"cnumpy\ndtype\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (program(b"\x80\x04\x8c\x05numpy\x8c\x09f2py.main\x93"), "names numpy.f2py.main"),
        (program(b"\x80\x02", RECONSTRUCT, b"}X\x01\x00\x00\x00aK\x01sb"), "change a function"),
        (program(b"\x80\x02", RECONSTRUCT), "a bare function"),
        (program(b"\x80\x02", NDARRAY, b")\x81"), "is damaged"),  # NEWOBJ of what is no class
        (program(b"\x80\x02X\x01\x00\x00\x00aQ"), "is damaged"),  # a persistent id
        (program(b"\x80\x02]q\x00h\x00a"), "nested too deeply"),  # a list within itself
        (b"not a pickle", "is damaged"),
        (b"", "is damaged"),
    ],
)
def test_crafted_programs_end_in_one_line(tmp_path: Path, code: bytes, message: str) -> None:
    path = tmp_path / "crafted.pkl"
    path.write_bytes(code)
    with pytest.raises(SettingError, match=message) as raised:
        numpy_pickle.read(path)
    assert "\n" not in str(raised.value)


def crafted_array(code: bytes, shape: bytes, content: bytes) -> bytes:
    """A pickle of an array whose element type, shape and content need not agree."""
    element = DTYPE + b"(X" + len(code).to_bytes(4, "little") + code + b"\x89\x88tR"
    state = b"(K\x01" + shape + element + b"\x89" + content + b"t"
    return program(b"\x80\x03", RECONSTRUCT, NDARRAY, b"K\x00\x85C\x01b\x87R", state, b"b")


EIGHT = b"C\x08" + bytes(8)


def test_the_crafting_itself_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "crafted.pkl"
    path.write_bytes(crafted_array(b"f8", b"K\x01\x85", EIGHT))
    assert numpy_pickle.read(path).tolist() == [0.0]


@pytest.mark.parametrize(
    ("code", "shape", "content", "message"),
    [
        (b"O8", b"K\x01\x85", EIGHT, "objects that is not a list"),  # bytes as pointers
        (b"f8", b"J\xff\xff\xff\x7f\x85", EIGHT, "size is not that of its bytes"),
        (b"f8", b"J\xff\xff\xff\xff\x85", EIGHT, "size is not that of its bytes"),
        (b"f8", b"K\x01\x85", b"J\xff\xff\xff\x7f", "size is not that of its bytes"),
        (b"U0", b"J\xff\xff\xff\x7f\x85", b"C\x00", "size is not that of its bytes"),
        (b"V8", b"K\x01\x85", EIGHT, "array of type 'V8'"),
        (b"f4,f4", b"K\x01\x85", EIGHT, "array of type 'f4,f4'"),
    ],
)
def test_arrays_that_lie_are_refused(
    tmp_path: Path, code: bytes, shape: bytes, content: bytes, message: str
) -> None:
    path = tmp_path / "crafted.pkl"
    path.write_bytes(crafted_array(code, shape, content))
    with pytest.raises(SettingError, match=message):
        numpy_pickle.read(path)


def test_a_pickle_beyond_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = write(tmp_path, list(range(1000)))
    with pytest.raises(SettingError, match=r"has \d+ bytes, at most 100 are allowed"):
        numpy_pickle.read(path, limit=100)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        np.array([1.5, -2], ">f4"),
        np.array(["a", "longer"]),
        np.array([b"a"]),
        np.array([True, False]),
        np.zeros((0, 4)),
        np.array([["a", 1], [None, 2.5]], object),
        np.float32(0.5),
    ],
)
def test_arrays_come_back_as_they_were(tmp_path: Path, array: Any, protocol: int) -> None:
    found = numpy_pickle.read(write(tmp_path, {"value": (array, [array])}, protocol))["value"]
    for value in (found[0], *found[1]):
        np.testing.assert_array_equal(value, array)
        assert np.asarray(value).dtype.kind == array.dtype.kind
