"""Pickles of arrays, read without running anything they carry.

A pickle is a program that may call whatever it names. Here it may name only how numpy stores
arrays, and even these names stand for objects of ours that hold bytes and types until the end:
numpy's own restoring functions trust what a pickle says of a type, also where memory is at stake.
"""

import io
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from streamer.errors import SettingError

SIZE_LIMIT = 32 * 2**30
"""Bytes of a pickle; unaligned CMU-MOSEI, the largest in use, comes to 14 GB in doubles."""

KINDS = "biufSUO"
"""Kinds of array elements: numbers, bytes, text, and lists of plain Python values."""


def read(path: Path, limit: int = SIZE_LIMIT) -> Any:
    """What is in the pickle at ``path``: lists, tuples, dicts, sets, text, bytes, numbers, arrays.

    Raises SettingError where it names anything else, is damaged or larger than ``limit`` bytes.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise _RefusedError(f"has {size} bytes, at most {limit} are allowed")
        with path.open("rb") as file:
            return _plain(_ArrayUnpickler(file, encoding="latin1").load(), {})
    except OSError as error:
        raise SettingError(f"pickle {path}: {error.strerror or error}") from None
    except _RefusedError as refused:
        raise SettingError(f"pickle {path}: {refused}") from None
    except (RecursionError, MemoryError):
        raise SettingError(f"pickle {path}: is nested too deeply or too large") from None
    except Exception as error:  # a damaged pickle fails with almost any
        raise SettingError(f"pickle {path}: is damaged ({type(error).__name__})") from None


class _RefusedError(Exception):
    pass


class _Sealed:
    """An object that a pickle can call and pass on, but not change."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, _: Any) -> NoReturn:
        raise _RefusedError("tries to change a function")


class _Type:
    """An element type: numpy's code for it, such as "f4" or "U12", and the byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, *_: Any) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = {"<": "<", ">": ">"}.get(state[1], "=")
        if state[2] is not None or state[3] is not None:
            raise _RefusedError("holds an array of records")

    def dtype(self) -> np.dtype[Any]:
        found = np.dtype(self.code)
        if found.kind not in KINDS or found.fields or found.subdtype:
            raise _RefusedError(f"holds an array of type {self.code!r}")
        return found.newbyteorder(self.order)  # type: ignore[arg-type]


class _Array:
    """An array: its type, its shape, and its bytes or its list of values."""

    __slots__ = ("content", "fortran", "shape", "type")

    def __init__(self, *_: Any) -> None:
        self.content: Any = b""
        self.shape: tuple[int, ...] = (0,)
        self.type, self.fortran = _Type("u1"), False

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, self.type, fortran, self.content = state[-4:]
        self.shape, self.fortran = tuple(int(length) for length in shape), bool(fortran)

    def array(self, known: dict[int, Any]) -> np.ndarray[Any, Any]:
        """Shape and content must agree, so an array is never larger than the pickle's bytes."""
        dtype, count = self.type.dtype(), math.prod(self.shape)
        content = self.content
        if dtype.kind == "O":
            if not isinstance(content, list):
                raise _RefusedError("holds an array of objects that is not a list")
            flat = np.fromiter((_plain(item, known) for item in content), object, len(content))
        else:
            stored = content.encode("latin1") if isinstance(content, str) else content
            fits = isinstance(stored, bytes | bytearray) and len(stored) == count * dtype.itemsize
            if not fits or min(self.shape, default=1) < 0 or (count and not stored):
                raise _RefusedError("holds an array whose size is not that of its bytes")
            flat = np.frombuffer(stored, dtype) if stored else np.empty(0, dtype)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


def _scalar(kind: _Type, content: bytes | str) -> _Array:
    array = _Array()
    array.__setstate__(((), kind, False, content))
    return array


def _from_buffer(content: bytes, kind: _Type, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.__setstate__((shape, kind, order == "F", content))
    return array


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise _RefusedError(f"encodes text as {encoding!r}")
    return text.encode("latin1")


def _allowed() -> dict[tuple[str, str], Any]:
    """Fresh for each pickle, under the names of numpy before and since 2."""
    found: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): _Sealed(_Array),
        ("numpy", "dtype"): _Sealed(_Type),
        ("_codecs", "encode"): _Sealed(_encode),
    }
    for core in ("numpy.core", "numpy._core"):
        found[f"{core}.multiarray", "_reconstruct"] = _Sealed(_Array)
        found[f"{core}.multiarray", "scalar"] = _Sealed(_scalar)
        found[f"{core}.numeric", "_frombuffer"] = _Sealed(_from_buffer)
    for builtins in ("builtins", "__builtin__"):
        found[builtins, "set"] = _Sealed(set)
        found[builtins, "frozenset"] = _Sealed(frozenset)
        found[builtins, "bytes"] = _Sealed(lambda: b"")  # how protocols before 3 write empty ones
    return found


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, file: io.BufferedIOBase, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self._names = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise _RefusedError(f"names {module}.{name}, which is refused: only arrays are read")
        return self._names[module, name]


def _plain(value: Any, known: dict[int, Any]) -> Any:
    """``value`` with the arrays it stands for; ``known`` holds what is done, by identity, so that
    something that occurs a thousand times is made once."""
    if isinstance(value, _Sealed | _Type):
        raise _RefusedError("holds a bare function or type")
    if not isinstance(value, _Array | dict | list | tuple | set | frozenset):
        return value
    if id(value) not in known:
        if isinstance(value, _Array):
            array = value.array(known)
            known[id(value)] = array if array.shape else array.item()
        elif isinstance(value, dict):
            pairs = ((_plain(key, known), _plain(item, known)) for key, item in value.items())
            known[id(value)] = dict(pairs)
        else:
            known[id(value)] = type(value)(_plain(item, known) for item in value)
    return known[id(value)]
