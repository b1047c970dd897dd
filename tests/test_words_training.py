"""The tuning of the word encoder: what it reads, keeps, writes and loads."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.checkpoint_files import SHIPPED, TUNED
from models.features.minilm import MiniLM, fingerprint, load_minilm, tune
from models.features.words import WordsEncoder, WordTokens
from models.training.words.figures import words_figures
from models.training.words.fit import Material, batch_loss, run
from models.training.words.reader import SentimentReader
from models.training.words.reading import read
from models.training.words.settings import WordsSettings
from models.training.words.texts import Text, batches, meld, mosei, mosi
from models.training.words.transcriber_errors import TranscriberErrors
from models.training.words.tune import average
from models.training.words.weights import load_reader, save_tuned
from streamer.assets import Assets
from streamer.errors import AssetError

SETTINGS = WordsSettings(
    seeds=[1],
    epochs=2,
    batch=8,
    learning_rate=2e-4,
    layer_decay=0.9,
    weight_decay=0.01,
    dropout=0.1,
    warm_up=0.2,
    averaging=0.5,
    corrupted=0.5,
    highest_error_rate=0.3,
    steps_weight=0.3,
    classes_weight=0.3,
)
GOOD = ["i love this movie", "what a wonderful day", "so happy with it", "this is great"]
BAD = ["i hate this movie", "what a terrible day", "so angry about it", "this is awful"]
SAID = [
    *(Text(f"good-{i}", text, 2.0, -1) for i, text in enumerate(GOOD)),
    *(Text(f"bad-{i}", text, -2.0, -1) for i, text in enumerate(BAD)),
    Text("meld", "oh my god", float("nan"), 2),
    Text("meld", "", float("nan"), 1),
]


@pytest.fixture(scope="module")
def minilm(assets: Assets) -> Path:
    return assets.path("minilm-l6")


@pytest.fixture(scope="module")
def tokens(minilm: Path) -> WordTokens:
    return WordTokens(minilm)


@pytest.fixture(scope="module")
def material(tokens: WordTokens) -> Material:
    valid = [text for text in SAID if text.label < 0]
    return Material(SAID * 4, valid, tokens, TranscriberErrors.of([*GOOD, *BAD], {}))


@pytest.fixture(scope="module")
def tuned(material: Material, minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    reader = run(material, minilm, SETTINGS, 1, folder, lambda _: None)
    save_tuned(reader, load_minilm(minilm), folder / "words.safetensors")
    save_file(reader.state_dict(), folder / "exact.safetensors")
    return folder


def test_batches_hold_each_text_once_and_little_padding(tokens: WordTokens) -> None:
    contents = [text.content for text in SAID]
    inner = Counter[int]()
    for batch in batches(SAID, contents, tokens, 3, np.random.default_rng(0)):
        assert batch.tokens.shape == batch.mask.shape == batch.inner.shape
        assert (batch.mask.sum(dim=1) - batch.inner.sum(dim=1) == 2).all()
        assert (batch.inner.sum(dim=1) >= 1).all()
        inner.update(batch.tokens[batch.inner].tolist())
    wanted = Counter(number for row in tokens.rows(contents) for number in row or [0])
    assert inner == wanted


@pytest.mark.slow
@pytest.mark.parallel
def test_corpora_have_the_counts_of_their_publications(data_folder: Path) -> None:
    assert [len(mosei(data_folder, split)) for split in ("train", "valid", "test")] == [
        *(16_274, 1_861, 4_653)
    ]
    assert [len(meld(data_folder, split)) for split in ("train", "valid")] == [9_989, 1_109]
    other = mosi(data_folder)
    assert len(other) == 2_199
    assert len({text.video for text in other}) == 93
    assert {text.video for text in other}.isdisjoint(
        text.video for split in ("train", "valid") for text in mosei(data_folder, split)
    )


@pytest.mark.slow
@pytest.mark.parallel
def test_tuning_learns_and_is_the_same_when_interrupted(
    material: Material, minilm: Path, tuned: Path, tmp_path: Path
) -> None:
    def stop(share: float) -> None:
        if share > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(material, minilm, SETTINGS, 1, tmp_path, stop)
    resumed = run(material, minilm, SETTINGS, 1, tmp_path, lambda _: None).state_dict()
    whole = load_file(tuned / "exact.safetensors")
    assert resumed.keys() == whole.keys()
    for name, weights in whole.items():
        torch.testing.assert_close(resumed[name], weights, rtol=0, atol=1e-6, msg=name)
    assert material.score(load_reader(minilm, tuned / "words.safetensors")).clean > 0.8


@pytest.mark.slow
@pytest.mark.parallel
def test_the_encoder_gives_the_states_that_were_tuned(minilm: Path, tuned: Path) -> None:
    published = WordsEncoder(minilm).encode(["great", "movie"])
    exact = SentimentReader(load_minilm(minilm))
    exact.load_state_dict(load_file(tuned / "exact.safetensors"))
    exact.train(False)
    packed = load_reader(minilm, tuned / "words.safetensors")
    texts = [Text("", "great movie", 0.0, -1)]
    batch = next(batches(texts, ["great movie"], WordTokens(minilm), 1))
    with torch.inference_mode():
        states = {
            kind: reader.encoder(batch.tokens, batch.mask)[0, 1:3].numpy()
            for kind, reader in (("exact", exact), ("packed", packed))
        }
    change = np.abs(states["exact"] - published).mean()
    assert change > 0
    assert np.abs(states["exact"] - states["packed"]).mean() < change / 4


@pytest.mark.slow
@pytest.mark.parallel
def test_weights_of_another_model_are_refused(minilm: Path, tuned: Path, tmp_path: Path) -> None:
    file = tuned / "words.safetensors"
    with pytest.raises(AssetError, match="made from another model"):
        tune(MiniLM(), file)
    with pytest.raises(AssetError, match="none"):
        tune(load_minilm(minilm), tmp_path / "none")
    (tmp_path / "broken").write_bytes(b"no weights")
    with pytest.raises(AssetError, match="broken"):
        tune(load_minilm(minilm), tmp_path / "broken")
    model = load_minilm(minilm)
    lacking = {name: w for name, w in load_file(file).items() if "layers.3" not in name}
    save_file(lacking, tmp_path / "lacking", {"published": fingerprint(model)})
    with pytest.raises(AssetError, match="do not fit"):
        tune(model, tmp_path / "lacking")


def test_only_what_is_known_of_a_text_is_learnt(minilm: Path, tokens: WordTokens) -> None:
    reader = SentimentReader(load_minilm(minilm))
    for texts, used in ((SAID[:2], (0, 1)), (SAID[8:], (2,))):
        batch = next(batches(texts, [text.content for text in texts], tokens, 2))
        reader.zero_grad()
        batch_loss(reader(batch), batch, SETTINGS).backward()  # type: ignore[no-untyped-call]
        gradient = reader.outputs.weight.grad
        assert gradient is not None
        value, steps, classes = gradient.split([1, 7, 3])
        seen = [bool(part.abs().sum() > 0) for part in (value, steps, classes)]
        assert seen == [number in used for number in range(3)]


def test_begin_and_end_tokens_do_not_speak_for_the_text(minilm: Path, tokens: WordTokens) -> None:
    reader = SentimentReader(load_minilm(minilm))
    batch = next(batches(SAID[:2], GOOD[:2], tokens, 2))
    states = torch.randn(*batch.tokens.shape, 384, generator=torch.Generator().manual_seed(0))
    before = reader.read(states, batch.inner).value
    outer = torch.where(batch.inner[..., None], states, states + 100)
    torch.testing.assert_close(reader.read(outer, batch.inner).value, before)
    inner = torch.where(batch.inner[..., None], states + 100, states)
    assert not torch.allclose(reader.read(inner, batch.inner).value, before)


@pytest.mark.slow
@pytest.mark.parallel
def test_average_of_readers_is_the_mean_of_their_weights(minilm: Path) -> None:
    readers = [SentimentReader(load_minilm(minilm)) for _ in range(2)]
    with torch.no_grad():
        readers[1].outputs.bias += 2
    mean = average(readers)
    torch.testing.assert_close(mean.outputs.bias, readers[0].outputs.bias + 1)
    torch.testing.assert_close(mean.outputs.weight, readers[0].outputs.weight)


def test_a_text_without_words_has_no_sentiment(minilm: Path, tokens: WordTokens) -> None:
    reader = SentimentReader(load_minilm(minilm))
    values = read(reader, tokens, [Text("", "...", 0.0, -1), Text("", "good", 0.0, -1)])
    assert values[0] == 0
    assert values[1] != 0


def test_tuned_encoder_gives_the_states_its_readout_was_made_for(
    minilm: Path, tokens: WordTokens
) -> None:
    reader = load_reader(minilm, SHIPPED / TUNED["text"])
    text = "i really love this"
    batch = next(batches([Text("", text, 0.0, -1)], [text], tokens, 1))
    states = WordsEncoder(minilm, tuned=SHIPPED / TUNED["text"]).encode(text.split())
    with torch.inference_mode():
        wanted = reader.encoder(batch.tokens, batch.mask)[batch.inner].numpy()
        value = reader(batch).value.item()
    np.testing.assert_allclose(states, wanted, atol=1e-4)
    assert not np.allclose(states, WordsEncoder(minilm).encode(text.split()), atol=0.1)
    assert 1 < value < 3.5


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.long
def test_shipped_weights_reach_the_figures_that_are_reported(
    data_folder: Path, minilm: Path
) -> None:
    figures = words_figures(data_folder, minilm, SHIPPED / TUNED["text"], [0.15], every=3)
    assert figures["mosei_test"]["pearson"]["estimate"] > 0.74
    assert figures["mosi_all"]["pearson"]["estimate"] > 0.76
    assert figures["mosei_test_errors_15"]["pearson"]["estimate"] > 0.69
    assert (SHIPPED / TUNED["text"]).stat().st_size < 25e6
