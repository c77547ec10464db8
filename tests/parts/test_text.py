"""Texts: reading, describing, terms, topics and tokens."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from fieldguide import parts
from fieldguide.core.errors import ConfigError, ModelError
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column, Table
from fieldguide.core.transform import Recipe, Transform
from fieldguide.core.words import lexicon
from fieldguide.core.words.lexicon import keeping
from fieldguide.parts.modalities import _words
from fieldguide.parts.modalities._checkpoints import resolve
from fieldguide.parts.modalities._places import N_PLACES, PlacesEncoder
from fieldguide.parts.modalities._sentences import pieces_of
from fieldguide.parts.modalities._shingles import ALIKE, FEWEST, near
from fieldguide.parts.modalities._terms import Terms, topics_of
from fieldguide.parts.modalities.text import Text, padded, word_dropout
from fieldguide.testing.modality import check_modality, loaded_arrays

TEXTS = [
    "Call me NOW!",
    "call her now?",
    "",
    "Ünïcode 🙂 fine",
    None,
    "call me call me",
    "me",
    "now now",
    "a b c d e f",
    " x ",
]


def cells_of(*texts):
    cells = np.empty(len(texts), object)
    cells[:] = texts
    return cells


def test_contract():
    check_modality(Text(), pl.Series("said", TEXTS))


def test_description_counts_what_is_there():
    typed, broken = Text().read(
        pl.Series("said", ["one two", "one two", "caf\ufffd", "", "naïve Ã©"]), Column("said", "text")
    )
    facts = Text().describe(typed)
    assert (facts["n"], facts["missing"], facts["repeated"], facts["damaged"], facts["not_ascii"]) == (5, 1, 1, 2, 2)
    assert facts["n_words"]["max"] == 2 and facts["top"][0] == {"word": "one", "count": 2} and not broken.any()


def test_weights_are_scikit_learns():
    texts = ["the cat sat", "the dog sat down", "a cat and a dog", "cat cat cat sat down"]
    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"\w+")
    wanted = theirs.fit_transform(texts).toarray()
    terms = Terms.fit(texts)
    places = [terms.words.index(word) for word in theirs.get_feature_names_out()]
    assert len(places) == len(terms.words)
    np.testing.assert_allclose(terms.encode(texts).toarray()[:, places], wanted, atol=1e-6)
    assert terms.encode([None, "unseen"]).nnz == 0


def test_topics_span_what_the_best_approximation_spans():
    matrix = Terms.fit(TEXTS[:2] * 3 + ["me now call", "now"]).encode(["call me now", "call her now", "me", "now call"])
    found = topics_of(matrix, 2)
    right = np.linalg.svd(matrix.toarray(), full_matrices=False)[2][:2]
    np.testing.assert_allclose(found @ found.T, right.T @ right, atol=2e-3)  # float16
    assert topics_of(matrix[:1], 2).shape == (matrix.shape[1], 0)


def test_tokens_are_the_training_words_and_a_row_depends_on_itself_only():
    recipe = Recipe(media="blocks", max_tokens=4)
    encoder = Text().fit({"said": cells_of("call me now", "call me later", None)}, recipe)
    assert encoder.cutters[0].words == ("call", "me")
    block = encoder.encode({"said": cells_of("now call me call me", None, "me")})["said"]
    assert block.load().tolist() == [[1, 2, 3, 2], [0, 0, 0, 0], [3, 0, 0, 0]]
    assert block[np.array([1])].load().tolist() == [[0]]
    assert encoder.layout().blocks[0].size == 4 and encoder.layout().blocks[0].shape == (4,)


def test_word_dropout_never_touches_padding():
    tokens = padded([np.arange(2, 102, dtype=np.int32), np.array([5], np.int32)])
    dropped = word_dropout(tokens, np.random.default_rng(0))
    assert (dropped[tokens == 0] == 0).all() and 0 < (dropped == 1).sum() < 20


@pytest.mark.parametrize("media", ["flat", "sparse", "blocks"])
def test_every_form_survives_its_own_description(media):
    encoder = Text().fit({"said": cells_of(*TEXTS)}, Recipe(media=media))
    again = Text().load(encoder.to_dict())
    for name, array in encoder.encode({"said": cells_of("call me now", None)}).items():
        other = again.encode({"said": cells_of("call me now", None)})[name]
        dense = [a.load() if hasattr(a, "load") else getattr(a, "toarray", lambda a=a: a)() for a in (array, other)]
        np.testing.assert_allclose(dense[0], dense[1], atol=1e-4)


# Near-duplicates


def test_near_texts_are_those_that_share_their_shingles():
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(300)]
    texts = [" ".join(rng.choice(words, 40)) for _ in range(60)]
    for i in range(20):
        changed = texts[i].split()
        for place in rng.choice(40, i % 5, replace=False):
            changed[place] = "other"
        texts.append(" ".join(changed))
    texts += [None, "too short"]

    def shingles(text):
        found = (text or "").split()
        return {tuple(found[i : i + 3]) for i in range(len(found) - 2)}

    wanted = []
    for a in range(len(texts)):
        for b in range(a + 1, len(texts)):
            one, other = shingles(texts[a]), shingles(texts[b])
            if min(len(one), len(other)) >= FEWEST and len(one & other) / len(one | other) >= ALIKE:
                wanted.append([a, b])
    assert near(texts).tolist() == wanted and len(wanted) >= 8


# Checkpoints

SMALL = {
    "model_type": "bert", "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 32, "pad_token_id": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint as users have them: weights as safetensors, and its tokeniser."""
    import tokenizers
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("checkpoint")
    BertModel(BertConfig(**SMALL)).save_pretrained(folder)
    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "call", "me", "now", "her", "fine"])}
    tokeniser = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokeniser.normalizer = tokenizers.normalizers.Lowercase()
    tokeniser.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokeniser.save(str(folder / "tokenizer.json"))
    return str(folder)


def test_features_of_a_checkpoint_are_the_same_alone_together_and_loaded(checkpoint):
    cells = {"said": cells_of("call me now", None, "call her", "fine fine fine fine"), "more": cells_of(*["a b"] * 4)}
    encoder = Text().fit(cells, Recipe(media="features"), {"said": checkpoint})
    numbers = encoder.encode(cells)["numbers"]
    assert numbers.shape == (4, len(encoder.layout().numbers)) and encoder.layout().numbers[0] == "said feature 1"
    assert (numbers[1, :16] == 0).all() and np.linalg.norm(numbers[0, :16]) == pytest.approx(4.0, abs=1e-4)
    again = Text().load(encoder.to_dict())
    for row in range(4):
        one = again.encode({name: column[row : row + 1] for name, column in cells.items()})["numbers"]
        np.testing.assert_allclose(one[0], numbers[row], atol=1e-5)


def test_kept_features_are_live_features(checkpoint, tmp_path, monkeypatch):
    from fieldguide.core.files.media import SEEN
    from fieldguide.parts.modalities import _sentences

    found, texts = resolve(checkpoint), ["call me", "now", "call me", None]
    live = _sentences.sentence_features(found, texts)
    monkeypatch.setattr(SEEN, "folder", tmp_path)
    first = _sentences.sentence_features(found, texts)
    monkeypatch.setattr(_sentences, "_encoded", lambda *_: pytest.fail("a kept feature was computed again"))
    kept = _sentences.sentence_features(found, texts)
    assert kept.tobytes() == first.tobytes() == live.tobytes()


def test_a_checkpoint_that_changed_is_refused(checkpoint):
    encoder = Text().fit({"said": cells_of("call me")}, Recipe(media="features"), {"said": checkpoint})
    data = encoder.to_dict()
    data["checkpoints"]["said"][1] = "0" * 16
    with pytest.raises(ModelError, match="is not the one this model was made with"):
        Text().load(data)


def test_a_checkpoint_without_its_tokeniser_says_what_to_save(checkpoint, tmp_path):
    import shutil

    shutil.copytree(checkpoint, tmp_path / "bare")
    (tmp_path / "bare" / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"has no tokenizer\.json.*save_pretrained"):
        Text().fit({"a": cells_of("x")}, Recipe(media="features"), {"a": str(tmp_path / "bare")}).encode(
            {"a": cells_of("x")}
        )


def test_tokens_of_a_checkpoint_feed_its_own_layers(checkpoint):
    import torch

    from fieldguide.parts.modalities._sentences import model_of, sentence_features
    from fieldguide.parts.nets.encoders import build

    encoder = Text().fit({"said": cells_of("call me now")}, Recipe(media="blocks"), {"said": checkpoint})
    block = encoder.encode({"said": cells_of("call me now", "call", None)})["said"]
    assert block.load().tolist() == [[3, 4, 5], [3, 0, 0], [0, 0, 0]] and block.augment is None
    spec = encoder.layout().blocks[0]
    settings = {
        "checkpoints": {spec.checkpoint: resolve(checkpoint).config},
        "unfrozen": 1,
        "d_embedding": 8,
        "dropout": 0.1,
    }
    net = build("checkpoint", spec, settings).eval()
    net.backbone.pretrained.load_state_dict(model_of(resolve(checkpoint).folder).state_dict())
    found = torch.nn.functional.normalize(net(torch.from_numpy(block.load()))).detach().numpy()
    np.testing.assert_allclose(found, sentence_features(resolve(checkpoint), ["call me now", "call", None]), atol=1e-5)
    learning = {name.split("layer.")[1][0] for name, p in net.named_parameters() if p.requires_grad}
    assert learning == {"1"}


def test_every_copy_of_a_boilerplate_text_is_tied_to_the_others(monkeypatch):
    monkeypatch.setattr("fieldguide.parts.modalities._shingles.FIRST", 3)
    said = "dear sir or madam we write to you about the flat in the third street on the left side number"
    pairs = near([f"{said} {i}" for i in range(40)])
    assert {int(b) for _, b in pairs} == set(range(1, 40))
    assert len(pairs) < 40 * 39 / 2 / 2  # and not every one with every other


@pytest.mark.parametrize("media", ["flat", "sparse", "blocks"])
def test_a_column_without_any_text_comes_back_as_well(media):
    cells = cells_of(None, None, None)
    encoder = Text().fit({"said": cells}, Recipe(media=media))
    again = Text().load(json.loads(json.dumps(encoder.to_dict())))
    assert again.layout() == encoder.layout()
    for key, array in again.encode({"said": cells}).items():
        assert len(array if not hasattr(array, "shape") else np.zeros(array.shape[0])) == 3, key


def test_columns_of_one_checkpoint_are_cut_each_at_its_own_length(checkpoint):
    long = "word " * 60
    found = resolve(checkpoint)
    short, whole = pieces_of(found, [long], 8)[0], pieces_of(found, [long], 32)[0]
    assert (len(short), len(whole), len(pieces_of(found, [long], 8)[0])) == (8, 32, 8)
    layout = Text().fit({"said": cells_of(long)}, Recipe(media="blocks"), {"said": checkpoint}).layout()
    assert layout.blocks[0].shape == (32,)  # what the encoder can take, and not the recipe's 128


def test_a_checkpoint_for_a_kind_that_has_none_is_refused():
    column = Column("age", "number", read={"checkpoint": "somewhere"})
    rows = Rows.of(Table(pl.DataFrame({"age": [1.0, 2.0]}), (column,)), (), parts.modality)
    with pytest.raises(ConfigError, match="'age' names a checkpoint, and columns of kind number take none"):
        Transform.fit(Recipe(), rows, parts.modality)


def test_a_text_column_named_like_an_array_of_all_columns_is_refused():
    rows = Rows.of(Table(pl.DataFrame({"codes": ["a", "b"]}), (Column("codes", "text"),)), (), parts.modality)
    with pytest.raises(ConfigError, match="a column of kind text is named 'codes'"):
        Transform.fit(Recipe(media="blocks"), rows, parts.modality)


# Texts that are cut once


@pytest.mark.parametrize("recipe", [Recipe(media="sparse"), Recipe(), Recipe(media="blocks", max_tokens=5)])
def test_what_is_kept_of_texts_changes_nothing(recipe, monkeypatch):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(30)]
    column = cells_of(
        *(text or None for text in TEXTS), *(" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(60))
    )
    cells, others = {"said": column}, {"said": column[::-1].copy()}
    plain = Text().fit(cells, recipe)
    arrays = loaded_arrays(plain.layout(), plain.encode(others))
    with keeping():
        kept = Text().fit(cells, recipe)
        again = loaded_arrays(kept.layout(), kept.encode(others))
        monkeypatch.setattr(_words.GRAMS, "cut", lambda text: pytest.fail("cut again"))
        monkeypatch.setattr(_words.TOKENS, "cut", lambda text: pytest.fail("cut again"))
        Text().fit(others, recipe).encode(cells)
    assert json.dumps(kept.to_dict()) == json.dumps(plain.to_dict())
    assert arrays.keys() == again.keys() and all(arrays[name].tobytes() == again[name].tobytes() for name in arrays)


def test_nothing_is_kept_where_nobody_asks_or_nothing_fits(monkeypatch):
    kept = lexicon.Lexicon(str.split)
    assert kept.of(["a request"]) is None and not kept._kept
    monkeypatch.setattr(lexicon, "MOST_CHARACTERS", 10)
    with keeping():
        assert [one.tolist() for one in kept.of(["a b", "b c"])] == [[0, 1], [1, 2]]
        assert [one.tolist() for one in kept.of(["d d e"])] == [[0, 0, 1]]  # the earlier ones made room
        assert kept.of(["f g h i j k"]) is None and kept.parts == []
    assert kept.of(["d d e"]) is None


def test_texts_as_points_lie_by_what_they_are_about_however_long_they_are() -> None:
    rng = np.random.default_rng(0)
    subjects = [
        ["rocket", "orbit", "moon", "launch", "nasa"],
        ["goal", "team", "puck", "ice", "coach"],
        ["pixel", "render", "shade", "mesh", "gpu"],
    ]
    common = ["the", "of", "and", "to", "is", "that", "we", "you"]
    of = rng.integers(0, 3, 150)
    texts = [
        " ".join([*rng.choice(subjects[k], 4), *rng.choice(common, 8)] * int(rng.integers(1, 6))) for k in of.tolist()
    ]
    texts[7] = None
    cells = {"said": np.array(texts, object)}
    encoder = Text().fit(cells, Recipe(media="points"))
    assert isinstance(encoder, PlacesEncoder)
    points = encoder.encode(cells)["numbers"]
    assert points.shape == (150, N_PLACES + 1) and encoder.layout().numbers[-1] == "said is missing"
    lengths = np.linalg.norm(points[:, :-1], axis=1)
    assert lengths[7] == 0 and points[7, -1] == 1 and np.allclose(np.delete(lengths, 7), 1, atol=1e-5)
    known = np.flatnonzero(np.arange(150) != 7)
    likeness = points[known, :-1] @ points[known, :-1].T
    same = of[known][:, None] == of[known][None]
    assert likeness[same].mean() > likeness[~same].mean() + 0.4
    # the words that all texts have in common, and how often a text repeats itself, move it nowhere
    once, five = ({"said": np.array([" ".join(["moon orbit nasa the of"] * n)], object)} for n in (1, 5))
    assert np.allclose(encoder.encode(once)["numbers"], encoder.encode(five)["numbers"], atol=1e-5)
    again = Text().load(json.loads(json.dumps(encoder.to_dict())))
    assert np.array_equal(again.encode(cells)["numbers"], points)
    few = Text().fit({"said": np.array(["a b", None], object)}, Recipe(media="points"))
    assert few.encode({"said": np.array(["a b", None], object)})["numbers"].shape[0] == 2
