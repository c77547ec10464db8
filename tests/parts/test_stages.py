"""Two stages of fine-tuning: what moves in each, where the second starts, and when it is kept."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.problem import Output
from fieldguide.core.transform import Recipe
from fieldguide.faces.report.trials import _curve
from fieldguide.parts import find
from fieldguide.parts.learners import _network, _stages, _training
from fieldguide.parts.modalities._checkpoints import resolve
from fieldguide.parts.modalities._sentences import model_of
from fieldguide.parts.modalities.text import Text

torch = pytest.importorskip("torch")
SMALL = {
    "vocab_size": 12, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 16, "pad_token_id": 0,
}  # fmt: skip
WORDS = ("call", "me", "now", "her", "fine", "late")
LEARNER = find("learners", "fusion")(n_epochs=3, d_hidden=8, batch_size=16, dropout=0.0, learning_rate=0.02, patience=9)
OUTPUTS = (Output("y", find("tasks", "binary")(), ("no", "yes")),)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    tokenizers, transformers = pytest.importorskip("tokenizers"), pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("checkpoint")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertModel(transformers.BertConfig(**SMALL)).save_pretrained(folder)
    codes = {word: i for i, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    tokeniser = tokenizers.Tokenizer(tokenizers.models.WordLevel(codes, unk_token="[UNK]"))
    tokeniser.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokeniser.save(str(folder / "tokenizer.json"))
    return str(folder)


@pytest.fixture(scope="module")
def rows(checkpoint):
    """Training and stopping rows: the answer is whether a text has the word "late"."""
    rng = np.random.default_rng(0)
    cells = np.empty(80, object)
    cells[:] = [" ".join(rng.choice(WORDS, rng.integers(1, 6))) for _ in range(80)]
    cells[7] = None
    encoder = Text().fit({"said": cells}, Recipe(media="blocks"), {"said": checkpoint})
    none = {"numbers": np.zeros((80, 0), np.float32), "codes": np.zeros((80, 0), np.int32)}
    batch = Batch(encoder.layout(), {**none, **encoder.encode({"said": cells})})
    truth = np.array(["late" in (cell or "") for cell in cells.tolist()]).astype(np.int64)
    whole = Encoded(batch, (truth,))
    return whole.take(np.arange(60)), whole.take(np.arange(60, 80))


def watched(monkeypatch):
    """Note what each call of the loop was given and gave."""
    calls, real = [], _training.train_network

    def noted(net, heads, train, stop, plan, effort):
        before = {name: value.clone() for name, value in net.state_dict().items()}
        trained = real(net, heads, train, stop, plan, effort)
        after = {name: value.clone() for name, value in trained.net.state_dict().items()}
        calls.append({"before": before, "after": after, "plan": plan, "train": train})
        return trained

    monkeypatch.setattr(_training, "train_network", noted)
    return calls


def encoder_of(fitted):
    return fitted.net.encoders[0].backbone.pretrained.state_dict()


def test_the_first_stage_moves_no_weight_of_the_encoder_and_the_second_starts_from_its_head(
    rows, checkpoint, monkeypatch
):
    calls = watched(monkeypatch)
    falling = iter(range(100, 0, -1))
    monkeypatch.setattr(_training, "measure", lambda net, heads, stop: float(next(falling)))
    fitted = LEARNER.fit(*rows, OUTPUTS, Effort(seed=3))
    first, second = calls
    assert not any("pretrained" in name for name in first["before"])  # it is not even there: its features are given
    assert first["train"].blocks[0].shape == (60, 16)
    original = model_of(resolve(checkpoint).folder).state_dict()
    assert all(
        torch.equal(second["before"][f"encoders.0.backbone.pretrained.{name}"], w) for name, w in original.items()
    )
    head = {name: value for name, value in first["after"].items() if not name.startswith("encoders.")}
    assert len(head) > 5 and all(torch.equal(second["before"][name], value) for name, value in head.items())
    assert second["plan"].learning_rate == 0.5 * first["plan"].learning_rate == 0.01
    moved = {
        name.split("layer.")[1][0]
        for name, value in encoder_of(fitted).items()
        if "layer." in name and not torch.equal(value, original[name])
    }
    assert moved == {"0", "1"}  # both later layers; embeddings stay
    assert all(torch.equal(value, original[name]) for name, value in encoder_of(fitted).items() if "layer." not in name)
    assert [record["stage"] for record in fitted.history] == [1, 1, 1, 2, 2, 2]
    assert [record["epoch"] for record in fitted.history] == [1, 2, 3, 4, 5, 6]
    assert fitted.n_steps > LEARNER.plan(60).n_steps


def test_a_second_stage_that_is_not_better_is_not_kept(rows, checkpoint, monkeypatch):
    losses = iter([3.0, 2.0, 1.0, *[9.0] * 50])  # three epochs of the first stage; then nothing is better
    monkeypatch.setattr(_training, "measure", lambda net, heads, stop: next(losses))
    calls = watched(monkeypatch)
    fitted = LEARNER.fit(*rows, OUTPUTS, Effort(seed=3))
    original = model_of(resolve(checkpoint).folder).state_dict()
    assert len(calls) == 2 and all(torch.equal(value, original[name]) for name, value in encoder_of(fitted).items())
    kept = fitted.net.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in calls[0]["after"].items() if "encoders" not in name)
    assert fitted.n_steps == LEARNER.plan(60).n_steps and len(fitted.history) == 6  # both curves are shown
    drawn = _curve({"candidate": "fusion", "history": fitted.history, "settings": {}})
    assert drawn["spec"]["layer"][1]["data"]["values"] == [{"at": 3.5}] and "later layers" in drawn["note"]


def test_a_refit_repeats_the_stages_of_the_fit(rows, checkpoint, monkeypatch):
    calls = watched(monkeypatch)
    whole, _ = rows
    planned = LEARNER.plan(60).n_steps
    for n_steps, stages in ((5, [5]), (planned, [planned]), (planned + 1, [planned]), (planned + 8, [planned, 8])):
        calls.clear()
        LEARNER.fit(whole, None, OUTPUTS, Effort(seed=1, n_steps=n_steps))
        assert [call["plan"].n_steps for call in calls] == stages
    calls.clear()
    LEARNER.fit(whole, None, OUTPUTS, Effort(seed=1))
    assert len(calls) == 1  # nothing to stop on: nobody can tell whether a second stage is better


def test_features_that_stand_in_are_what_the_encoder_gives(rows):
    whole, _ = rows
    net, _, tensors, _ = _network.prepared(LEARNER, whole, OUTPUTS)
    net.eval()
    given = _stages.with_features(tensors, {0: net.encoders[0]})
    with torch.no_grad():
        live = net.encoders[0](tensors.loaded().blocks[0])
    torch.testing.assert_close(given.blocks[0], live, atol=1e-5, rtol=1e-4)
    assert (given.blocks[0][7] == 0).all()  # no text


def test_many_rows_are_not_kept_as_features_and_train_alike(rows, monkeypatch):
    frozen = find("learners", "fusion")(n_epochs=2, d_hidden=8, batch_size=16, dropout=0.0, average=0.0, unfrozen=0)
    kept = frozen.fit(*rows, OUTPUTS, Effort(seed=3))
    monkeypatch.setattr(_stages, "MOST_FEATURES", 10)
    live = frozen.fit(*rows, OUTPUTS, Effort(seed=3))
    np.testing.assert_allclose(kept.predict(rows[1].batch)[0], live.predict(rows[1].batch)[0], atol=1e-4)
    assert not any(p.requires_grad for p in live.net.encoders[0].parameters())
