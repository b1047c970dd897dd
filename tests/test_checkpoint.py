import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models import checkpoint
from models.checkpoint_files import SHIPPED, TUNED
from models.features.words import WordsEncoder
from models.qamoe import QAMoE, QAMoEConfig
from streamer.assets import Assets
from streamer.errors import AssetError
from streamer.packets import STREAMS

POSITIVE = (
    "i absolutely love this movie it is wonderful",
    "what a great day i am so happy with the result",
    "the acting was brilliant and i enjoyed every minute",
)
NEGATIVE = (
    "this is terrible i hate it what an awful waste of time",
    "i am really disappointed and angry about the bad service",
    "the worst film i have ever seen boring and stupid",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = QAMoE(QAMoEConfig({"text": 5, "audio": 4}, width=8, experts=3, top_k=2))
    checkpoint.save(tmp_path / "saved", model, "abc", {"seed": 0})
    return tmp_path / "saved"


def test_what_is_loaded_answers_as_what_was_saved(folder: Path) -> None:
    model = checkpoint.load(folder, features="abc")
    again = checkpoint.load(folder, features="abc")
    features = {"text": torch.ones(2, 3, 5), "audio": torch.ones(2, 4, 4)}
    masks = {"text": torch.ones(2, 3).bool(), "audio": torch.ones(2, 4).bool()}
    assert torch.equal(model(features, masks).value, again(features, masks).value)
    assert not model.training
    assert model.streams == ("text", "audio")


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _truncate(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:60])


def _edit(key: str, value: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        if value is None:
            del config[key]
        else:
            config[key] = value
        (folder / "config.json").write_text(json.dumps(config))

    return edit


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_remove("config.json"), "No such file"),
        (_remove("model.safetensors"), "No such file"),
        (_truncate("config.json"), "config.json|column|Unterminated|delimiter"),
        (_truncate("model.safetensors"), "header|invalid"),
        (_edit("features", "xyz"), "trained on features xyz, this version computes abc"),
        (_edit("format", 99), "format 99"),
        (_edit("network", None), "config.json lacks 'network'"),
        (_edit("network", {"sizes": {"text": 7}}), "size mismatch|Missing key|Unexpected key"),
    ],
    ids=["no config", "no weights", "half a config", "half of the weights", "other features",
         "other format", "config lacks a part", "other sizes"],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_line(
    folder: Path, damage: Callable[[Path], None], reason: str
) -> None:
    damage(folder)
    with pytest.raises(AssetError, match=reason) as caught:
        checkpoint.load(folder, features="abc")
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_shipped_checkpoint_fits_the_features_of_this_version() -> None:
    model = checkpoint.load(SHIPPED)
    assert model.streams == STREAMS
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 25e6


def test_shipped_checkpoint_tells_praise_from_complaint(assets: Assets) -> None:
    encoder = WordsEncoder(assets.path("minilm-l6"), SHIPPED / TUNED["text"])
    model = checkpoint.load(SHIPPED)

    def judged(text: str) -> tuple[float, float, int]:
        states = torch.from_numpy(encoder.encode(text.split()))[None]
        prediction = model({"text": states}, {"text": torch.ones(states.shape[:2]).bool()})
        return (
            prediction.value.item(),
            prediction.reliability["text"].item(),
            int(prediction.class_logits.argmax()),
        )

    praise, complaint = [judged(text) for text in POSITIVE], [judged(text) for text in NEGATIVE]
    assert min(value for value, _, _ in praise) > max(value for value, _, _ in complaint) + 0.3
    assert all(label == 2 for _, _, label in praise)
    assert all(label == 0 for _, _, label in complaint)
    assert min(r for _, r, _ in praise + complaint) > 0.5
    assert judged("the of and")[1] < min(r for _, r, _ in praise + complaint)
