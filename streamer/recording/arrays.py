"""Arrays as recordings hold them: what they are made of, their shape, their raw bytes."""

from math import prod
from typing import Any, get_args

import msgspec
import numpy as np

DTYPES = {"float32": "<f4", "int64": "<i8", "bool": "|b1"}
"""The only kinds of numbers there are in a recording, all of the smaller end first."""

LARGEST_AXIS = 1 << 16


class StoredArray(msgspec.Struct, frozen=True, array_like=True):
    dtype: str
    shape: list[int]
    data: bytes


def stored(value: Any) -> StoredArray:
    """msgspec's ``enc_hook``. Raises NotImplementedError for anything but an array that may be."""
    if not isinstance(value, np.ndarray) or value.dtype.name not in DTYPES:
        raise NotImplementedError(f"{type(value).__name__} has no place in a recording")
    dtype = DTYPES[value.dtype.name]
    return StoredArray(dtype, list(value.shape), value.astype(dtype, copy=False).tobytes())


def restored(wanted: Any, value: Any) -> Any:
    """msgspec's ``dec_hook``: the array of the type ``wanted``.

    Nothing is allocated that is not there: raises ValueError where shape and bytes do not agree.
    """
    array = msgspec.convert(value, StoredArray)
    scalar = np.dtype(get_args(get_args(wanted)[1])[0])
    if array.dtype != DTYPES.get(scalar.name):
        raise ValueError(f"an array of {array.dtype!r} instead of {DTYPES.get(scalar.name)}")
    if len(array.shape) > 2 or not all(0 <= axis <= LARGEST_AXIS for axis in array.shape):
        raise ValueError(f"an array of shape {array.shape}")
    if prod(array.shape) * scalar.itemsize != len(array.data):
        raise ValueError(f"an array of shape {array.shape} in {len(array.data)} bytes")
    if scalar == np.bool_ and array.data.translate(None, b"\x00\x01"):
        raise ValueError("flags that are neither true nor false")
    return np.frombuffer(array.data, array.dtype).reshape(array.shape).copy()
