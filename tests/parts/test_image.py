"""Images: reading every kind of file there is, pixels, flat features, augmentation, copies."""

from __future__ import annotations

import io
import json
import struct
import zlib

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError, ModelError
from fieldguide.core.files import media
from fieldguide.core.files.media import BadFile, cell_of, uri_of
from fieldguide.core.reading import read_frame
from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.parts import modality
from fieldguide.parts.modalities import _checkpoints, _copies, _frozen, _pictures
from fieldguide.parts.modalities._pixels import Augment
from fieldguide.parts.modalities.image import Image
from fieldguide.testing.modality import check_modality

PIL = pytest.importorskip("PIL.Image")


def gradient(width=24, height=24, seed=0, colour=True):
    """A smooth picture that differs from seed to seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        128 + 100 * np.sin(rng.uniform(0.05, 0.6) * x + rng.uniform(0.05, 0.6) * y + rng.uniform(0, 6))
        for _ in range(3)
    ]
    array = np.stack(waves, axis=2).astype(np.uint8)
    return PIL.fromarray(array if colour else array[:, :, 0])


def uri(image, form="PNG", **more):
    file = io.BytesIO()
    image.save(file, form, **more)
    return uri_of(file.getvalue(), f"image/{form.lower()}")


def saved(path, image, form=None, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, form, **more)
    return path


def column(root):
    return Column("photo", "image", read={"root": str(root)})


def test_contract():
    cells = [uri(gradient(seed=i, colour=i % 2 == 0)) for i in range(7)]
    check_modality(Image(), pl.Series("photo", [*cells, None, "", "data:image/png;base64,AAAA", "a.png"]))


def test_contract_of_blocks():
    typed = pl.Series("photo", [uri(gradient(seed=i, width=20 + i)) for i in range(5)] + [None])
    from fieldguide.testing.modality import check_encoder

    for recipe in (Recipe(media="blocks", pixels=8), Recipe(media="blocks", pixels=16, augment=False)):
        check_encoder(Image(), typed, recipe)


def shown(cell, side=4, channels=3):
    return _pictures.squared(_pictures.decoded(media.bytes_of(cell)), side, channels)


def test_modes_become_eight_bits():
    black_and_white = PIL.new("1", (4, 4), 1)
    assert shown(uri(black_and_white)).min() == 255
    cmyk = PIL.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = shown(uri(cmyk, "JPEG"))
    assert red[0].min() > 230 and red[1:].max() < 40
    deep = PIL.fromarray(np.full((4, 4), 32896, np.uint16))
    assert (shown(uri(deep)) == 128).all()  # 32896 / 65535 of white
    palette = PIL.new("RGB", (4, 4), (0, 0, 200)).convert("P")
    assert shown(uri(palette))[2].min() >= 195
    see_through = PIL.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert shown(uri(see_through)).min() == 255  # laid on white
    grey_alpha = PIL.new("LA", (4, 4), (10, 255))
    assert (shown(uri(grey_alpha)) == 10).all()
    floats = PIL.fromarray(np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4))
    found = shown(uri(floats, "TIFF"))
    assert found.min() == 0 and found.max() == 255


def test_exif_turns_the_picture():
    wide = PIL.fromarray(np.concatenate([np.zeros((8, 8)), np.full((8, 8), 255)], axis=1).astype(np.uint8))
    exif = PIL.Exif()
    exif[0x0112] = 6  # to be turned clockwise: the left half comes to the top
    turned = _pictures.decoded(media.bytes_of(uri(wide, "JPEG", exif=exif, quality=95)))
    assert turned.size == (8, 16)
    array = np.asarray(turned)
    assert array[:6].max() < 40 and array[10:].min() > 215


def test_first_frame_of_an_animation():
    frames = [PIL.new("RGB", (6, 6), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    cell = uri(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert shown(cell)[0].min() > 250 and shown(cell)[1].max() < 5
    assert Image().describe(pl.Series([cell]))["animated"] == 1


def test_nothing_is_cut_off_and_the_rest_is_the_mean_colour():
    wide = PIL.fromarray(np.concatenate([np.full((4, 8), 0), np.full((4, 8), 200)], axis=1).astype(np.uint8))
    square = _pictures.squared(wide, 16, 1)[0]
    assert (square[:6] == 100).all() and (square[10:] == 100).all()
    assert (square[6:10, :7] == 0).all() and (square[6:10, 9:] == 200).all()


def test_small_copies_of_large_jpegs_are_like_the_whole(tmp_path):
    cell = uri(gradient(640, 480, seed=4), "JPEG", quality=95)
    content = media.bytes_of(cell)
    drafted = _pictures.squared(_pictures.decoded(content, 32), 32, 3).astype(int)
    whole = _pictures.squared(_pictures.decoded(content), 32, 3).astype(int)
    assert _pictures.decoded(content, 32).size == (80, 60)
    assert np.abs(drafted - whole).mean() < 3


def broken_files(tmp_path):
    """Bad input, by name, and the words that tell it."""
    good = io.BytesIO()
    gradient(64, 64).save(good, "JPEG")
    (tmp_path / "truncated.jpg").write_bytes(good.getvalue()[: len(good.getvalue()) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "words.png").write_text("not a picture")
    png = io.BytesIO()
    gradient(64, 64).save(png, "PNG")
    damaged = bytearray(png.getvalue())
    damaged[60:200] = bytes(140)
    (tmp_path / "damaged.png").write_bytes(bytes(damaged))
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(2 * 1024**3)  # sparse: two gigabytes that take no disk
    bomb = bytearray(png.getvalue())
    bomb[16:24] = struct.pack(">II", 100_000, 100_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bytes(bomb[12:29])))
    (tmp_path / "bomb.png").write_bytes(bytes(bomb))
    (tmp_path / "folder.png").mkdir()
    return {
        "truncated.jpg": "the image is truncated", "empty.png": "the file is empty (0 bytes)", "words.png": "no image that can be recognised",
        "damaged.png": "the image is", "huge.png": "the file has 2,147,483,648 bytes, more than 268,435,456", "bomb.png": "exceeds limit",
        "folder.png": "a folder, not a file", "gone.png": "there is no such file", "a\x00b.png": "there is no such file",
        "data:image/png;base64,###": "base64 is damaged", "data:image/png,abc": "not base64", "data:image/png;base64,": "without bytes",
    }  # fmt: skip


def test_bad_files_are_broken_cells_with_the_reason(tmp_path):
    said = broken_files(tmp_path)
    saved(tmp_path / "good.png", gradient())
    raw = pl.Series("photo", ["good.png", *said, "", None])
    typed, broken = Image().read(raw, column(tmp_path))
    assert broken.to_list() == [False] + [True] * len(said) + [False, False]
    assert typed.null_count() == len(said) + 2 and typed[0] == str(tmp_path / "good.png")
    for name, words in said.items():
        assert words in Image().why(name, column(tmp_path)), name
    table, violations = read_frame(pl.DataFrame({"photo": raw}), [column(tmp_path)], modality, first_row=10)
    assert violations[0].n == len(said) and violations[0].rows[0] == 11
    assert "truncated.jpg (the image is truncated" in violations[0].sentence()
    assert table.frame["photo"].null_count() == len(said) + 2


def test_a_request_reads_no_file_of_this_machine(tmp_path):
    saved(tmp_path / "good.png", gradient())
    for text in (str(tmp_path / "good.png"), "/etc/hostname", "../good.png"):
        assert Image().read_value(text, Column("photo", "image")) == (None, True)
    assert "only data: URIs" in Image().why("good.png", Column("photo", "image"))
    with pytest.raises(BadFile, match="data: URI of more than"):
        cell_of("data:image/png;base64," + "A" * (45 * 2**20), Column("photo", "image"))


def test_a_file_that_changes_while_it_is_worked_with_is_named(tmp_path):
    path = saved(tmp_path / "cats" / "1.png", gradient(seed=77))
    encoder = Image().fit({"photo": Image().cells(pl.Series([str(path)]))}, Recipe(media="blocks", pixels=8))
    other = saved(tmp_path / "cats" / "2.png", gradient(seed=78))
    cells = Image().read(pl.Series(["cats/1.png", "cats/2.png"]), column(tmp_path))[0]
    other.write_bytes(b"")
    with pytest.raises(DataError, match=r"cats/2\.png has changed"):
        encoder.encode({"photo": Image().cells(cells)})["photo"].load()


def test_pixels_are_scaled_by_training_rows_only():
    cells = np.array([uri(PIL.new("RGB", (4, 4), (shade, 0, 50))) for shade in (0, 100, 200)], object)
    encoder = Image().fit({"photo": cells[:2]}, Recipe(media="blocks", pixels=4))
    assert encoder.means == ((50.0, 0.0, 50.0),) and encoder.deviations == ((50.0, 1.0, 1.0),)
    loaded = encoder.encode({"photo": np.append(cells, None)})["photo"].load()
    np.testing.assert_allclose(loaded[:, 0, 0, 0], [-1, 1, 3, 0])
    assert loaded.shape == (4, 3, 4, 4) and loaded.dtype == np.float32 and not loaded[3].any()


def test_pictures_without_colour_have_one_channel():
    grey = np.array([uri(gradient(colour=False).convert("RGB"))], object)  # grey, stored with three channels
    assert Image().fit({"photo": grey}, Recipe(media="blocks", pixels=8)).layout().blocks[0].shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("longer", "asked", "side"), [(8, 0, 32), (49, 0, 56), (300, 0, 64), (8, 16, 16), (300, 96, 96)]
)
def test_pictures_are_not_enlarged_beyond_what_most_of_them_are(longer, asked, side):
    cells = np.array([uri(gradient(longer, 5, seed=i)) for i in range(19)] + [uri(gradient(400, 400))], object)
    assert Image().fit({"photo": cells}, Recipe(media="blocks", pixels=asked)).sides == (side,)


def test_flat_features_tell_shades_and_colours():
    cells = np.array([uri(PIL.new("RGB", (20, 10), colour)) for colour in ((255, 0, 0), (0, 0, 255))], object)
    encoder = Image().fit({"photo": cells}, Recipe())
    numbers = encoder.encode({"photo": cells})["numbers"]
    names = encoder.layout().numbers
    assert numbers.shape == (2, 263) and names[0] == "photo pixel 1,1"
    assert numbers[0, names.index("photo mean red")] == pytest.approx(1.0) and numbers[
        1, names.index("photo mean red")
    ] == pytest.approx(-1.0)


def test_augmentation_alters_a_little_and_by_its_generator():
    pixels = np.stack([np.asarray(gradient(32, 32, seed=i), np.float32).transpose(2, 0, 1) / 64 - 2 for i in range(8)])
    first, again = (Augment()(pixels, np.random.default_rng(5)) for _ in range(2))
    assert first.shape == pixels.shape and first.dtype == np.float32 and (first == again).all()
    assert (first != Augment()(pixels, np.random.default_rng(6))).any()
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, pixels)]
    mirrored = [np.corrcoef(a.ravel(), b[:, :, ::-1].ravel())[0, 1] for a, b in zip(first, pixels)]
    assert (
        np.mean(alike) > 0.6 and np.mean(alike) > np.mean(mirrored) + 0.2
    )  # nothing is mirrored unless it is asked for
    flips = [Augment(flip=True)(pixels[:1], np.random.default_rng(seed)) for seed in range(12)]
    towards = [
        np.corrcoef(f.ravel(), pixels[0, :, :, ::-1].ravel())[0, 1] > np.corrcoef(f.ravel(), pixels[0].ravel())[0, 1]
        for f in flips
    ]
    assert 2 <= sum(towards) <= 10


def test_nothing_of_a_picture_that_was_sent_is_kept(tmp_path):
    gradient().save(tmp_path / "kept.png")
    _pictures.DECODED.clear()
    for cell, kept in ((uri(gradient()), False), (str(tmp_path / "kept.png"), True)):
        assert _pictures.pixels_of(cell, 16, 3).any() and (_pictures.DECODED.n_bytes > 0) == kept


def test_copies_are_found_and_neighbours_are_not():
    pictures = [gradient(48, 48, seed=i) for i in range(40)]
    cells = [uri(picture) for picture in pictures]
    cells += [uri(pictures[3], "JPEG", quality=70), uri(pictures[5].resize((96, 96), 2)), cells[7]]
    pairs = {tuple(pair) for pair in Image().near(pl.Series(cells)).tolist()}
    assert pairs == {(3, 40), (5, 41), (7, 42)}


def test_many_hashes_are_compared_in_bands(monkeypatch):
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, 300, dtype=np.uint64)
    hashes[10] = hashes[200] ^ np.uint64(0b101)
    all_pairs = _copies._candidates(hashes)
    monkeypatch.setattr(_copies, "ALL_PAIRS", 10)
    assert all_pairs.tolist() == _copies._candidates(hashes).tolist() == [[10, 200]]


def test_what_is_sent_is_small(tmp_path):
    path = saved(
        tmp_path / "large.png", PIL.fromarray(np.random.default_rng(0).integers(0, 255, (600, 800, 3), np.uint8))
    )
    sent = Image().portable(str(path))
    assert sent.startswith("data:image/jpeg;base64,") and len(sent) < 120_000
    assert _pictures.decoded(media.bytes_of(sent)).size == (256, 192)
    small = saved(tmp_path / "small.png", gradient())
    assert media.bytes_of(Image().portable(str(small))) == small.read_bytes()


def test_facts_are_kept_for_the_next_process(tmp_path, monkeypatch):
    path = saved(tmp_path / "1.png", gradient(seed=123))
    kept = media.Seen()
    kept.keep_in(tmp_path / "work")
    monkeypatch.setattr(_pictures, "SEEN", kept)
    facts = _pictures.facts_of(str(path))
    assert (facts["width"], facts["mode"], facts["format"], facts["frames"]) == (24, "RGB", "PNG", 1)
    lines = (tmp_path / "work" / "media.jsonl").read_text().splitlines()
    assert len(lines) == 1 and json.loads(lines[0])[1]["hash"] == facts["hash"]
    (tmp_path / "work" / "media.jsonl").write_text("\n".join(lines) + '\n["half a li')
    again = media.Seen()
    again.keep_in(tmp_path / "work")
    monkeypatch.setattr(_pictures, "SEEN", again)
    monkeypatch.setattr(_pictures, "_facts", lambda content: pytest.fail("looked at again"))
    assert _pictures.facts_of(str(path)) == facts


def small_checkpoint(folder, seed=0):
    """An untrained residual network with its processor, saved as a checkpoint is."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformers.ResNetModel(config).eval().save_pretrained(folder)
    processor = {
        "size": {"height": 16, "width": 16},
        "image_mean": [0.5] * 3,
        "image_std": [0.25] * 3,
        "do_resize": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def test_frozen_features_are_kept_and_equal_what_is_computed_live(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = small_checkpoint(tmp_path / "small")
    monkeypatch.setattr(_checkpoints, "SEEN", media.Seen())
    _checkpoints.SEEN.keep_in(tmp_path / "work")
    cells = np.array([uri(gradient(seed=i)) for i in range(5)] + [None], object)
    recipe, said = Recipe(media="features"), {"photo": str(folder)}
    encoder = Image().fit({"photo": cells[:4]}, recipe, said)
    live = encoder.encode({"photo": cells})["numbers"]
    assert live.shape == (6, 16) and not live[5].any() and encoder.layout().numbers[0] == "photo feature 1"
    monkeypatch.setattr(_frozen, "_encoded", lambda *_: pytest.fail("computed again"))
    loaded = Image().load(json.loads(json.dumps(encoder.to_dict())))
    assert (loaded.encode({"photo": cells})["numbers"] == live).all()  # from the store, to the last bit
    model = transformers.AutoModel.from_pretrained(folder).eval()
    pixels = torch.from_numpy(np.stack([shown(cell, 16) for cell in cells[:5]]) / np.float32(255) - 0.5) / 0.25
    with torch.inference_mode():
        right = model(pixel_values=pixels.float()).pooler_output.flatten(1).numpy()
    np.testing.assert_allclose(live[:5] * encoder.deviations[0] + encoder.means[0], right, atol=1e-4)


def test_other_weights_under_the_same_name_are_refused(tmp_path):
    folder = small_checkpoint(tmp_path / "small")
    cells = {"photo": np.array([uri(gradient(seed=i)) for i in range(3)], object)}
    described = Image().fit(cells, Recipe(media="features"), {"photo": str(folder)}).to_dict()
    small_checkpoint(folder, seed=1)
    with pytest.raises(ModelError, match="is not the one this model was made with"):
        Image().load(described)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match=r"has no preprocessor_config.json.*AutoImageProcessor"):
        Image().fit(cells, Recipe(media="features"), {"photo": str(folder)})
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model.safetensors missing in .*pytorch_model.bin\) are not read"):
        Image().fit(cells, Recipe(media="features"), {"photo": str(folder)})


def test_without_a_network_the_error_says_which_files_to_put_where(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub = pytest.importorskip("huggingface_hub")

    def refuse(*_args, **_more):
        raise ConnectionError("no network")

    monkeypatch.setattr(hub, "snapshot_download", refuse)
    with pytest.raises(
        ModelError,
        match=r"there is no checkpoint 'nobody/nothing' here.*no network.*config.json, model.safetensors.*into a folder",
    ):
        _checkpoints.resolve("nobody/nothing", "image")


def test_a_network_starts_from_a_checkpoint_and_its_later_layers_learn(tmp_path):
    torch = pytest.importorskip("torch")
    from fieldguide.core.batch import Batch, Encoded
    from fieldguide.core.contracts import Effort
    from fieldguide.core.problem import Output
    from fieldguide.parts import find

    folder = small_checkpoint(tmp_path / "small")
    cells = np.array([uri(gradient(seed=i)) for i in range(12)], object)
    encoder = Image().fit({"photo": cells}, Recipe(media="blocks", augment=False), {"photo": str(folder)})
    spec = encoder.layout().blocks[0]
    assert (spec.shape, spec.checkpoint) == ((3, 16, 16), str(folder))
    none = {"numbers": np.zeros((12, 0), np.float32), "codes": np.zeros((12, 0), np.int32)}
    batch = Batch(encoder.layout(), {**none, **encoder.encode({"photo": cells})})
    output = Output("y", find("tasks", "binary")(), ("no", "yes"))
    data = Encoded(batch, (np.arange(12) % 2,))
    before = _frozen._model(_checkpoints.resolve(str(folder))).state_dict()
    for unfrozen, moved in ((0, False), (1, True)):
        learner = find("learners", "fusion")(n_epochs=2, d_hidden=8, unfrozen=unfrozen, batch_size=4)
        fitted = learner.fit(data, None, (output,), Effort(seed=1, n_steps=2 * learner.plan(12).n_steps))
        after = fitted.net.encoders[0].backbone.pretrained.state_dict()
        same = {name: torch.equal(value, after[name]) for name, value in before.items()}
        assert all(same.values()) is not moved
        assert all(
            same[name]
            for name in same
            if name.startswith("embedder") and "running" not in name and "num_batches" not in name
        )
        (answers,) = fitted.predict(batch)
        assert answers.shape == (12, 2) and np.isfinite(answers).all()
