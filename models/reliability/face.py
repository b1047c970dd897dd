"""Evidence of pictures: those that came, the face in them, and how well it is seen."""

import math
from types import MappingProxyType

import numpy as np

from models.reliability.scores import Ramp, Ramps, absent, fitted, judge, lesser
from streamer.arrays import checked
from streamer.packets import FACE_MEASURES, Evidence, Flags, Floats

RECENT = 1.0
"""Seconds of what is also judged alone, at the window's end."""

USUAL_PERIOD = 1 / 15
"""Seconds between two pictures at the rate that the ramps are made for."""

REASONS = {
    "picture_share": "no pictures from the camera",
    "face_share": "no face",
    "unchanged_share": "picture frozen",
    "sharpness": "blurred",
    "lost_contrast": "against the light",
    "noise_luma": "noisy picture",
    "blockiness": "coarsely coded picture",
    "hidden_share": "face covered",
    "luma_low": "too dark",
    "outside_share": "face leaves the picture",
    "second_face": "a second face",
    "yaw_deg": "face turned away",
}
GOOD = {
    "picture_share": 0.8,  # ten pictures a second of fifteen: cameras slow down in the evening
    "face_share": 0.95,
    "unchanged_share": 0.1,
    "sharpness": 12.0,
    "lost_contrast": 0.1,  # what is dark moves in and out of the picture
    "noise_luma": 1.5,
    "blockiness": 1.4,
    "hidden_share": 0.65,  # light of two colours makes as much
    "luma_low": 50.0,  # dark skin in good light lies above
    "outside_share": 0.05,  # a chin, or an ear
    "second_face": 0.3,  # somebody far behind
    "yaw_deg": 20.0,
    "model": 0.7,  # differs by 0.15 from person to person
}
"""Up to where a measure says nothing: set by hand, as there are too few videos to tell."""
RULES = {
    "picture_tail_s": Ramp(0.7, 0.2, "no pictures from the camera"),
    "unchanged_tail_s": Ramp(0.7, 0.2, "picture frozen"),
    "no_face_tail_s": Ramp(1.6, 0.4, "no face"),
    # MediaPipe's face mesh sees a crop of 192 px; enlarged three times little is left.
    "face_size_px": Ramp(24.0, 64.0, "face too small"),
    "luma_high": Ramp(245.0, 220.0, "too bright"),
    # No damage makes a head nod: there is nothing to fit it to.
    "pitch_deg": Ramp(50.0, 30.0, "face turned away"),
}

FACE: Ramps = MappingProxyType({**RULES, **fitted("vision", REASONS)})
RECENT_FACE: Ramps = fitted("recent_vision", REASONS)
"""What a window, and what its last second is judged by."""


def face_evidence(
    measures: Floats, found: Flags, ages: Floats, length: float, frame_rate: float
) -> Evidence:
    """Evidence of a window of pictures.

    ``measures`` (n, len(FACE_MEASURES)), ``found`` (n,) and ``ages`` (n,), the seconds from the
    picture to the window's end, are the pictures in the order they were taken; the window is
    ``length`` seconds long, and ``frame_rate`` pictures a second were asked of the camera. Raises
    ValueError for arrays of other shapes.
    """
    if not len(found) or not (0 < length < math.inf and 0 < frame_rate < math.inf):
        return absent("no pictures from the camera")
    found = checked("found", found, ("n",), "b")
    measures = checked("measures", measures, (len(found), len(FACE_MEASURES)))
    ages = checked("ages", ages, (len(found),))
    window = judge(picture_measures(measures, found, ages, length, frame_rate), FACE)
    late = ages <= RECENT
    recent = picture_measures(
        measures[late], found[late], ages[late], min(RECENT, length), frame_rate
    )
    return lesser(window, judge(recent, RECENT_FACE))


def picture_measures(
    measures: Floats, found: Flags, ages: Floats, length: float, frame_rate: float
) -> dict[str, float]:
    """What is measured on pictures, as above; that of the face is left out where there is none."""
    columns = dict(zip(FACE_MEASURES, np.asarray(measures, np.float64).T, strict=True))
    unchanged = columns["unchanged"] > 0
    values = {"picture_share": min(1.0, len(found) / (length * frame_rate))}
    # Where fewer are asked for, the next picture is due later, and none is missing until then.
    ages = np.maximum(ages - max(0.0, 1 / frame_rate - USUAL_PERIOD), 0)
    if len(found):
        values |= {
            "picture_tail_s": float(ages[-1]),
            "face_share": float(found.mean()),
            "no_face_tail_s": _tail(~found, ages, length),
            "unchanged_share": float(unchanged.mean()),
            "unchanged_tail_s": _tail(unchanged, ages, length),
        }
    if found.any():
        # Contrast grows with light, so that a dark face would be called blurred.
        sharpness = columns["sharpness"] * (128 / np.maximum(columns["brightness"], 1)) ** 2
        # The worse quartile: a quarter of a bad window shows, a few odd pictures do not.
        values |= {
            "face_size_px": float(np.percentile(columns["face_size"][found], 25)),
            "sharpness": float(np.percentile(sharpness[found], 25)),
            "lost_contrast": float(np.percentile(columns["lost_contrast"][found], 75)),
            "noise_luma": float(np.percentile(columns["noise"][found], 75)),
            "blockiness": float(np.percentile(columns["blockiness"][found], 75)),
            "hidden_share": float(np.percentile(columns["hidden"][found], 75)),
            "luma_low": float(np.percentile(columns["brightness"][found], 25)),
            "luma_high": float(np.percentile(columns["brightness"][found], 75)),
            "yaw_deg": float(np.percentile(np.abs(columns["yaw"][found]), 75)),
            "pitch_deg": float(np.percentile(np.abs(columns["pitch"][found]), 75)),
            "outside_share": float(np.percentile(columns["outside"][found], 75)),
            "second_face": float(np.percentile(columns["second_face"][found], 75)),
        }
    return values


def _tail(flags: Flags, ages: Floats, length: float) -> float:
    """Seconds up to the window's end in which ``flags`` (n,) hold without a break."""
    false = np.flatnonzero(~flags)
    return float(ages[false[-1]]) if len(false) else length
