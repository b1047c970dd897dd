"""What arrays must look like where they enter a stage; anything else is one line that says so."""

from typing import Any

import numpy as np

from streamer.packets import Floats, Image

KINDS = {"f": "floats", "b": "flags", "i": "whole numbers", "fiu": "numbers"}
"""What the letters of NumPy's kinds of numbers stand for."""

LOUDEST = 4.0
"""Decoders of lossy formats overshoot full scale; what is louder than this is no sound."""


def checked(name: str, values: Any, shape: tuple[int | str, ...], kinds: str = "f") -> Any:
    """``values`` as an array of ``shape``, in which a word stands for any length.

    Raises ValueError with one line where the shape is another, or the numbers are not of ``kinds``.
    """
    array = np.asarray(values)
    fits = array.ndim == len(shape) and all(
        wanted == length or isinstance(wanted, str)
        for wanted, length in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in kinds:
        form = f"({', '.join(str(length) for length in shape)}{',' * (len(shape) == 1)})"
        raise ValueError(f"{name} {array.shape} {array.dtype}: must be {form} {KINDS[kinds]}")
    return array


def as_sound(samples: Any) -> Floats:
    """``samples`` (n,), floats at 16 kHz, as float32: NaN where missing or infinite, the others
    within LOUDEST. Raises ValueError for several channels, and for integers, whose full scale
    nobody knows."""
    given = checked("samples", samples, ("n",))
    with np.errstate(over="ignore"):  # is infinite then
        sound: Floats = given.astype(np.float32, copy=False)
    if (np.abs(sound) > LOUDEST).any():
        sound = np.where(np.isinf(sound), np.float32(np.nan), np.clip(sound, -LOUDEST, LOUDEST))
    return sound


def check_picture(image: Any, grey: bool = False) -> Image:
    """``image`` (height, width, 3), BGR, uint8, with at least one pixel; where ``grey`` may be,
    also (height, width). Raises ValueError for any other."""
    form = "(height, width, 3), BGR" + (", or (height, width)" if grey else "")
    array = np.asarray(image)
    fits = (array.ndim == 3 and array.shape[2] == 3) or (grey and array.ndim == 2)
    if not fits or not array.size or array.dtype != np.uint8:
        raise ValueError(f"picture {array.shape} {array.dtype}: must be {form}, uint8, not empty")
    return array
