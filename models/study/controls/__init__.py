"""The controls: other ways to fuse, over the encoders of QA-MoE."""

from models.study.controls.base import Control
from models.study.controls.concatenation import Concatenation
from models.study.controls.crossmodal import CrossmodalTransformer
from models.study.controls.late import ConfidenceFusion, EnergyFusion, LateFusion

__all__ = [
    "Concatenation",
    "ConfidenceFusion",
    "Control",
    "CrossmodalTransformer",
    "EnergyFusion",
    "LateFusion",
]
