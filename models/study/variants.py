"""Every model of the study by name: QA-MoE in its variants, and the controls."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from models.study.controls import (
    Concatenation,
    ConfidenceFusion,
    Control,
    CrossmodalTransformer,
    EnergyFusion,
    LateFusion,
)
from models.study.routed import (
    FromDistance,
    FromDistanceUnranked,
    FromInput,
    FromRepresentation,
    Oracle,
    OracleRouting,
    QualityRouting,
    Routed,
    Shrinking,
    Unweighted,
)
from streamer.errors import SettingError
from streamer.packets import Stream

WIDTH = 64

Model = Control | Routed

MODELS: Mapping[str, Callable[[Mapping[Stream, int], int], Model]] = MappingProxyType(
    {
        "concat": Concatenation,
        "late": LateFusion,
        "mult": CrossmodalTransformer,
        "qmf": EnergyFusion,
        "pdf": ConfidenceFusion,
        "constant": Unweighted,
        "paper": FromRepresentation,
        "ours": FromDistance,
        "ours-unranked": FromDistanceUnranked,
        "ours-input": FromInput,
        "ours-sees-r": QualityRouting,
        "ours-shrinks": Shrinking,
        "oracle": Oracle,
        "oracle-sees-r": OracleRouting,
        **{f"ours-k{top_k}": partial(FromDistance, top_k=top_k) for top_k in (1, 2, 4, 8)},
    }
)
"""From a name to what makes the model from the streams' feature sizes and the width:

- "concat" (concatenation), "late" (fusion), "mult", "qmf", "pdf": the controls;
- "constant": QA-MoE that trusts every stream that is present;
- "paper": variance from the representation, as published;
- "ours": variance from the distance to clean inputs, trained on the clean representation and to
  rank a degraded view below its clean one (k = 3; "ours-k1" to "ours-k8" choose 1, 2, 4, 8 of the
  8 experts);
- "ours-unranked": the same without the ranking;
- "ours-input": variance from the input as in the live network;
- "ours-sees-r": as "ours", and r also takes part in which experts are chosen;
- "ours-shrinks": r acts on what the experts read instead of on what they answer;
- "oracle", "oracle-sees-r": r from the corruption that was done, the ceiling of the idea.
"""


def build(name: str, sizes: Mapping[Stream, int], width: int = WIDTH) -> Model:
    """An untrained model. Raises SettingError where there is none of that name."""
    if name not in MODELS:
        raise SettingError(f"model {name!r}: must be one of {', '.join(MODELS)}")
    return MODELS[name](sizes, width)
