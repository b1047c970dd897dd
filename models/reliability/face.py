"""Evidence of pictures: those that came, the face in them, and how well it is seen."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from models.reliability.scores import Ramp, absent, judge, tail
from streamer.packets import FACE_MEASURES, Evidence, Flags, Floats

FACE: Mapping[str, Ramp] = MappingProxyType(
    {
        # Ten pictures a second of fifteen score above 0.8: cameras slow down in the evening.
        "picture_share": Ramp(0.0, 0.8, "no pictures from the camera"),
        "picture_tail_s": Ramp(1.5, 0.5, "no pictures from the camera"),
        "face_share": Ramp(0.2, 0.8, "no face"),
        "no_face_tail": Ramp(0.4, 0.1, "no face"),
        "unchanged_share": Ramp(0.9, 0.2, "picture frozen"),
        "unchanged_tail": Ramp(0.4, 0.1, "picture frozen"),
        # MediaPipe's face mesh sees a crop of 192 px; enlarged three times little is left.
        "face_size_px": Ramp(24.0, 64.0, "face too small"),
        # The softest clean recording measures 23, the same blurred by 3 % of the face under 2.
        "sharpness": Ramp(1.0, 20.0, "blurred"),
        # Clean recordings measure 1 and less.
        "noise_luma": Ramp(10.0, 1.5, "noisy picture"),
        # Clean recordings measure up to 1.4 where the face is small; JPEG at quality 10 is at 3.
        "blockiness": Ramp(4.5, 1.4, "coarsely coded picture"),
        # Light of two colours makes 0.6 of it.
        "hidden_share": Ramp(1.0, 0.65, "face covered"),
        # Mean luma of the face: dark skin in good light lies well above 40.
        "luma_low": Ramp(12.0, 36.0, "too dark"),
        "luma_high": Ramp(245.0, 220.0, "too bright"),
        # Half of the face is hidden from 45 degrees on.
        "yaw_deg": Ramp(60.0, 35.0, "face turned away"),
        "pitch_deg": Ramp(50.0, 30.0, "face turned away"),
    }
)


def face_evidence(
    measures: Floats, found: Flags, expected_frames: float, tail_seconds: float = 0.0
) -> Evidence:
    """Evidence of a window of pictures.

    ``measures`` (n, len(FACE_MEASURES)) and ``found`` (n,) are the pictures in the order they were
    taken; ``expected_frames`` is how many a camera without fault delivers in a window, and
    ``tail_seconds`` the time from the last picture to the window's end.
    """
    if not len(found) or not expected_frames > 0:
        return absent("no pictures from the camera")
    columns = dict(zip(FACE_MEASURES, np.asarray(measures, np.float64).T, strict=True))
    unchanged = columns["unchanged"] > 0
    values = {
        "picture_share": min(1.0, len(found) / expected_frames),
        "picture_tail_s": tail_seconds,
        "face_share": float(found.mean()),
        "no_face_tail": min(1.0, tail(~found) / expected_frames),
        "unchanged_share": float(unchanged.mean()),
        "unchanged_tail": min(1.0, tail(unchanged) / expected_frames),
    }
    if found.any():
        # The worse quartile: a quarter of a bad window shows, a few odd pictures do not.
        values |= {
            "face_size_px": float(np.percentile(columns["face_size"][found], 25)),
            "sharpness": float(np.percentile(_evenly_lit(columns)[found], 25)),
            "noise_luma": float(np.percentile(columns["noise"][found], 75)),
            "blockiness": float(np.percentile(columns["blockiness"][found], 75)),
            "hidden_share": float(np.percentile(columns["hidden"][found], 75)),
            "luma_low": float(np.percentile(columns["brightness"][found], 25)),
            "luma_high": float(np.percentile(columns["brightness"][found], 75)),
            "yaw_deg": float(np.percentile(np.abs(columns["yaw"][found]), 75)),
            "pitch_deg": float(np.percentile(np.abs(columns["pitch"][found]), 75)),
        }
    return judge(values, FACE)


def _evenly_lit(columns: Mapping[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Sharpness as it would be at a mean luma of 128: contrast grows with light, so that a dark
    face would be called blurred."""
    return columns["sharpness"] * (128 / np.maximum(columns["brightness"], 1)) ** 2
