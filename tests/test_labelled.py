"""Errors against labels: with reliability, without, and of a network trained to do without."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.qamoe import QAMoE, QAMoEConfig
from models.study.reliability.labelled import labelled
from models.study.reliability.settings import load_reliability_settings
from models.training.reliability.clips import Clip, kinds_of_clips
from streamer.packets import STREAMS, Evidence, Stream
from tests.training_fixtures import SIZES

WHOLE = load_reliability_settings(Path("configs/evaluate/reliability.yaml"))
SETTINGS = WHOLE.model_copy(
    update={
        "sessions": WHOLE.sessions.model_copy(update={"severities": (0.5,)}),
        "bootstrap": WHOLE.bootstrap.model_copy(update={"draws": 100}),
    }
)
LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2]


class Drawn:
    """Nine clips of each stream, which damage turns into noise of the evidence 1 - severity."""

    @property
    def labels(self) -> dict[Stream, list[int]]:
        return dict.fromkeys(STREAMS, LABELS)

    def clean(self, stream: Stream) -> Sequence[Clip]:
        return self.damaged(stream, "", 0)

    def damaged(self, stream: Stream, kind: str, severity: float) -> Sequence[Clip]:
        rng = np.random.default_rng([len(stream), len(kind), round(100 * severity)])
        shape = (4, SIZES[stream])
        return [
            Clip(
                (label / 2 - 0.5 + severity * rng.normal(size=shape)).astype(np.float32),
                np.ones(4, np.bool_),
                Evidence(1 - severity, None, {}),
                label / 2 - 0.5,
            )
            for label in LABELS
        ]


def network(seed: int) -> QAMoE:
    torch.manual_seed(seed)
    return QAMoE(QAMoEConfig(SIZES, width=8, experts=2, top_k=2)).eval()


def test_every_kind_each_stream_and_no_damage_have_a_row() -> None:
    found = labelled(Drawn(), network(0), 30, SETTINGS)
    assert list(found)[:5] == [
        "all kinds", "all of words", "all of audio", "all of video", "undamaged"
    ]  # fmt: skip
    assert len(found) == 5 + len([*kinds_of_clips()])
    row = found["all kinds"]
    assert row["gain"]["estimate"] == pytest.approx(
        row["without"]["estimate"] - row["error with reliability"]["estimate"]
    )


@pytest.mark.slow
@pytest.mark.parallel
def test_a_control_is_compared_with_by_its_error_without_reliability() -> None:
    plain = labelled(Drawn(), network(0), 30, SETTINGS)
    found = labelled(Drawn(), network(0), 30, SETTINGS, control=network(0))
    other = labelled(Drawn(), network(0), 30, SETTINGS, control=network(1))
    assert "control" not in plain["all kinds"]
    for name, row in found.items():
        assert row["control"] == row["without"]
        assert row["ratio to it"] == row["ratio"]
        assert {key: row[key] for key in plain[name]} == plain[name]
    assert other["all kinds"]["control"] != found["all kinds"]["control"]


def test_what_reads_0_takes_no_part_whatever_is_in_it() -> None:
    class Gone(Drawn):
        def damaged(self, stream: Stream, kind: str, severity: float) -> Sequence[Clip]:
            clips = super().damaged(stream, kind, severity)
            if not severity:
                return clips
            nothing = Evidence(0, "gone", {})
            return [replace(c, features=len(kind) * c.features, evidence=nothing) for c in clips]

    found = labelled(Gone(), network(0), 30, SETTINGS)
    videos = [row for name, row in found.items() if name.startswith("video:")]
    assert all(row["error with reliability"] == videos[0]["error with reliability"]
               for row in videos)  # fmt: skip
