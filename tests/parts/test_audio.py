"""Sounds: reading, bad files, spectrograms against their formula, copies, and encoders."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest
import soundfile
import torch

from fieldguide.core.errors import ModelError
from fieldguide.core.files import media
from fieldguide.core.files.media import uri_of
from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.parts.modalities import _checkpoints, _heard, _sounds
from fieldguide.parts.modalities.audio import Audio, near, spec_augment
from fieldguide.parts.nets import encoders
from fieldguide.testing.modality import check_modality

RATE = 8_000


def tone(hertz, seconds=0.5, rate=RATE, loud=0.5, seed=0):
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (loud * np.sin(2 * np.pi * hertz * time) * np.hanning(len(time)) + noise).astype(np.float32)


def saved(path, wave, rate=RATE, **how):
    soundfile.write(path, wave, rate, **how)
    return path.name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    for i in range(10):
        saved(folder / f"{i}.wav", tone(200 + 150 * i, 0.3 + 0.05 * i, seed=i))
    return folder


@pytest.fixture(scope="module")
def column(folder):
    return Column("said", "audio", read={"root": str(folder)})


def cells_of(column, *names):
    typed, broken = Audio().read(pl.Series("said", names), column)
    assert not broken.any()
    return Audio().cells(typed)


def test_contract(folder):
    cells = [uri_of((folder / f"{i}.wav").read_bytes(), "audio/wav") for i in range(7)]
    bad = uri_of(b"no sound", "audio/wav")
    check_modality(Audio(), pl.Series("said", [*cells, None, "", bad]), values=[None, "", bad, "a.wav", [1], 3.5])


@pytest.mark.parametrize(
    "make, why",
    [
        (lambda f: f.write_bytes(b""), "the file is empty"),
        (lambda f: f.write_bytes(b"RIFF" + b"\0" * 40), "no sound that can be read"),
        (lambda f: f.write_bytes(f.with_name("0.wav").read_bytes()[:30]), "no sound that can be read"),
        (lambda f: f.write_bytes(f.with_name("0.wav").read_bytes()[:2000]), "the sound is truncated (1,956 of "),
        (lambda f: soundfile.write(f, np.zeros(0, np.float32), RATE), "without samples"),
        (lambda f: None, "there is no such file"),
    ],
)
def test_bad_files_say_what_they_are(folder, column, make, why):
    make(folder / "bad.wav")
    value, broken = Audio().read_value("bad.wav", column)
    assert (value, broken) == (None, True) and why in Audio().why("bad.wav", column)
    (folder / "bad.wav").unlink(missing_ok=True)


def test_a_recorder_that_did_not_know_the_length_wrote_a_whole_sound(folder, column):
    whole = (folder / "0.wav").read_bytes()
    for said in (0xFFFFFFFF, 0x7FFFFFFF):
        (folder / "live.wav").write_bytes(whole[:40] + said.to_bytes(4, "little") + whole[44:])
        assert Audio().read_value("live.wav", column)[1] is False
    noted = whole[:36] + b"LIST" + (5).to_bytes(4, "little") + b"data!" + b"\0" + whole[36:]
    (folder / "live.wav").write_bytes(noted)
    assert Audio().read_value("live.wav", column)[1] is False
    (folder / "live.wav").unlink()


@pytest.mark.parametrize(
    "how", [{"subtype": "PCM_U8"}, {"subtype": "PCM_24"}, {"format": "FLAC"}, {"subtype": "FLOAT"}]
)
def test_one_sound_in_many_formats_is_one_sound(tmp_path, how):
    wave = tone(440)
    saved(tmp_path / "a.wav", wave, subtype="PCM_16")
    name = saved(tmp_path / f"b.{how.get('format', 'wav').lower()}", np.stack([wave, wave], 1), **how)
    one, other = (_sounds.decoded((tmp_path / n).read_bytes())[0] for n in ("a.wav", name))
    np.testing.assert_allclose(one, other, atol=0.01)
    cells = [str(tmp_path / n) for n in ("a.wav", name)]
    assert near(cells).tolist() == [[0, 1]]


def test_different_sounds_are_no_copies(folder):
    assert near([str(folder / f"{i}.wav") for i in range(10)]).tolist() == []


def test_spectrogram_follows_its_formula():
    wave = tone(1_000)
    window, hop, n_fft = _sounds.frames_of(RATE)
    frames = [wave[i : i + window] * np.hanning(window + 1)[:-1] for i in range(0, len(wave) - window + 1, hop)]
    power = np.abs(np.fft.rfft(np.array(frames), n_fft)) ** 2 / window
    wanted = np.log(np.maximum(power @ _sounds.mel_filters(RATE, 40, n_fft).T, _sounds.FLOOR)).T
    found = _sounds.log_mel(wave[None], RATE, 40)[0]
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert found.shape[1] == _sounds.n_frames(len(wave), RATE)
    centres = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), 42)[1:-1] / 2595) - 1)
    assert abs(centres[found.mean(1).argmax()] - 1_000) < 120


def test_resampling_keeps_the_tone():
    spectrum = np.abs(np.fft.rfft(_sounds.resampled(tone(440, 1.0, 44_100), 44_100, RATE)))
    assert abs(spectrum.argmax() - 440) <= 1


@pytest.mark.parametrize("waves, shape", [("mel", (1, 32)), ("raw", (1,))])
def test_blocks_have_the_shape_they_promise_and_feed_a_network(column, waves, shape):
    cells = cells_of(column, "0.wav", "5.wav", "9.wav")
    encoder = Audio().fit({"said": cells}, Recipe(media="blocks", mel_bands=32, waves=waves))
    (spec,), block = encoder.layout().blocks, encoder.encode({"said": cells})["said"]
    assert spec.shape[: len(shape)] == shape and block.load().shape == (3, *spec.shape)
    rng = np.random.default_rng
    assert np.array_equal(block.load(rng(0)), block.load(rng(0))) and not np.array_equal(
        block.load(rng(0)), block.load()
    )
    net = encoders.build("cnn", spec, {"d_embedding": 16, "dropout": 0.1}).eval()
    assert net(torch.from_numpy(block.load())).shape == (3, net.width)


def test_masks_keep_shape_and_stay_near_the_mean():
    cells = np.random.default_rng(0).normal(size=(4, 1, 40, 60)).astype(np.float32)
    altered = spec_augment(cells, np.random.default_rng(1))
    assert altered.shape == cells.shape and altered.dtype == np.float32 and abs(altered.mean()) < 0.5


def test_description(folder, column):
    saved(folder / "silent.wav", np.zeros(RATE, np.float32), rate=16_000)
    typed, _ = Audio().read(pl.Series("said", ["0.wav", "0.wav", "silent.wav", None]), column)
    facts = Audio().describe(typed)
    assert (facts["n"], facts["missing"], facts["silent"], facts["repeated"]) == (4, 1, 1, 1)
    assert facts["rates"] == {"8,000 Hz": 2, "16,000 Hz": 1} and facts["seconds"]["max"] == 0.5


def test_a_request_brings_its_sound():
    file = io.BytesIO()
    soundfile.write(file, tone(300), RATE, format="WAV")
    uri = uri_of(file.getvalue(), "audio/wav")
    assert Audio().read_value(uri, Column("said", "audio")) == (uri, False)
    again, _ = _sounds.decoded(__import__("base64").b64decode(Audio().portable(uri).split(",")[1]))
    np.testing.assert_allclose(again, tone(300), atol=1e-3)


def test_nothing_of_a_sound_that_was_sent_is_kept(folder):
    sent = uri_of((folder / "3.wav").read_bytes(), "audio/wav")
    _sounds.DECODED.clear()
    _sounds.SUMMARIES.clear()
    for cell, kept in ((sent, False), (str(folder / "3.wav"), True)):
        assert np.isfinite(_sounds.summary_of(cell, RATE, 20)).all()
        assert (_sounds.DECODED.n_bytes > 0, _sounds.SUMMARIES.n_bytes > 0) == (kept, kept)


def test_frames_in_parts_are_frames_at_once(monkeypatch):
    wave = tone(400, 2.0)[None]
    whole = _sounds.log_mel(wave, RATE, 20)
    monkeypatch.setattr(_sounds, "FRAMES_AT_ONCE", 7)
    assert np.allclose(_sounds.log_mel(wave, RATE, 20), whole, atol=1e-5) and whole.shape[2] == 198


def test_bands_are_scaled_by_all_frames_and_a_flat_one_is_left_alone(folder):
    cells = np.array([str(folder / f"{i}.wav") for i in range(4)], object)
    frames = np.concatenate([_sounds.log_mel(_sounds.wave_of(c, RATE)[None], RATE, 20)[0] for c in cells], axis=1)
    (mel,) = Audio().fit({"said": cells}, Recipe(media="blocks", mel_bands=20)).decoders
    assert np.allclose(mel.mean, frames.mean(axis=1), atol=1e-4) and np.allclose(
        mel.deviation, frames.std(axis=1), atol=1e-4
    )
    alike = np.array([cells[0], cells[0]], object)  # nothing differs between rows: no deviation to divide by
    numbers = Audio().fit({"said": alike}, Recipe(mel_bands=20)).encode({"said": alike})["numbers"]
    assert np.isfinite(numbers).all() and np.abs(numbers).max() < 1e-3


def test_what_a_report_plays_is_short(folder):
    saved(folder / "long.wav", tone(300, 4.0, 44_100), rate=44_100)
    wave, rate = _sounds.decoded(
        __import__("base64").b64decode(Audio().thumbnail(str(folder / "long.wav")).split(",")[1])
    )
    assert rate == 8_000 and len(wave) == 16_000


def test_rate_length_window_and_alterations_are_as_stated(column):
    cells = cells_of(column, "0.wav", "9.wav")
    recipe = Recipe(media="blocks", mel_bands=20, rate=4_000, seconds=0.5, window=40.0, masks=0.0, time_shift=0.0)
    encoder = Audio().fit({"said": cells}, recipe)
    (spec,), block = encoder.layout().blocks, encoder.encode({"said": cells})["said"]
    assert spec.shape == (1, 20, 1 + (2_000 - 160) // 64)  # frames of 40 ms, 16 ms apart
    assert block.load().shape == (2, *spec.shape)
    altered = (
        block.load(np.random.default_rng(0)) - block.load()
    )  # neither moved nor masked: louder or softer as a whole
    assert np.allclose(altered, altered[:, :, :1, :1], atol=1e-5) and (np.abs(altered[:, 0, 0, 0]) > 1e-3).all()
    again = Audio().load(json.loads(json.dumps(encoder.to_dict())))
    assert np.array_equal(
        again.encode({"said": cells})["said"].load(np.random.default_rng(0)), block.load(np.random.default_rng(0))
    )
    masked = spec_augment(np.ones((40, 1, 20, 30), np.float32), np.random.default_rng(0), shift=0.0, masks=0.5)
    shares = [(np.abs(one[0] - one[0].max()) > 0.5).all(axis=1).mean() for one in masked]
    assert 0.3 < max(shares) <= 0.5  # at most half of the bands
    wave = (
        Audio().fit({"said": cells}, Recipe(media="blocks", waves="raw", rate=4_000, seconds=0.25)).layout().blocks[0]
    )
    assert wave.shape == (1, 1_000)


# Checkpoints

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def saved_checkpoint(kind, folder):
    """A randomly initialised encoder of sounds with its feature extractor, saved as checkpoints are."""
    transformers = pytest.importorskip("transformers")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "wav2vec2":
            convolved = {
                "conv_dim": (8, 8),
                "conv_stride": (10, 8),
                "conv_kernel": (20, 8),
                "num_feat_extract_layers": 2,
            }
            placed = {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2}
            model = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SMALL, **convolved, **placed))
            extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE)
        elif kind == "audio-spectrogram-transformer":
            model = transformers.ASTModel(transformers.ASTConfig(**SMALL, max_length=64, num_mel_bins=16))
            extractor = transformers.ASTFeatureExtractor(sampling_rate=16_000, num_mel_bins=16, max_length=64)
        else:
            layers = {
                "encoder_layers": 2,
                "decoder_layers": 1,
                "encoder_attention_heads": 2,
                "decoder_attention_heads": 2,
            }
            codes = {
                "vocab_size": 20,
                "pad_token_id": 0,
                "bos_token_id": 1,
                "eos_token_id": 2,
                "decoder_start_token_id": 1,
            }
            heard = {
                "d_model": 16,
                "encoder_ffn_dim": 32,
                "decoder_ffn_dim": 32,
                "num_mel_bins": 16,
                "max_source_positions": 50,
            }
            model = transformers.WhisperModel(transformers.WhisperConfig(**layers, **codes, **heard))
            extractor = transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=1)
        model.eval().save_pretrained(folder)
        extractor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["wav2vec2", "audio-spectrogram-transformer", "whisper"])
def checkpoint(request, tmp_path_factory):
    return saved_checkpoint(request.param, tmp_path_factory.mktemp(request.param))


def test_kept_features_of_sounds_are_live_features(checkpoint, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(_checkpoints, "SEEN", media.Seen())
    cells = np.array([*(str(folder / f"{i}.wav") for i in range(5)), None], object)
    found = _checkpoints.resolve(str(checkpoint), "audio")
    live = _heard.sound_features(found, cells)
    _checkpoints.SEEN.keep_in(tmp_path / "work")
    first = _heard.sound_features(found, cells)
    monkeypatch.setattr(_heard, "_encoded", lambda *_: pytest.fail("a kept feature was computed again"))
    kept = _heard.sound_features(found, cells[::-1])[::-1]
    assert live.tobytes() == first.tobytes() == kept.tobytes() and live.shape == (6, 16)
    assert not live[5].any() and len(np.unique(live[:5].round(4), axis=0)) == 5


def test_features_of_a_wave_are_the_mean_of_the_last_states(folder, tmp_path):
    transformers = pytest.importorskip("transformers")
    path = saved_checkpoint("wav2vec2", tmp_path / "small")
    cells = {
        "said": np.array([str(folder / f"{i}.wav") for i in (2, 7)], object),
        "more": np.array([str(folder / "1.wav"), None], object),
    }
    encoder = Audio().fit(cells, Recipe(media="features", mel_bands=20), {"said": str(path)})
    numbers = encoder.encode(cells)["numbers"]
    assert encoder.layout().numbers[:1] == ("said feature 1",) and numbers.shape == (2, 16 + 2 * 20 + 3)
    model = transformers.AutoModel.from_pretrained(path).eval()
    for row, cell in enumerate(cells["said"]):
        wave, _ = _sounds.decoded(media.bytes_of(cell))
        wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
        with torch.inference_mode():
            right = model(torch.from_numpy(wave)[None]).last_hidden_state[0].mean(0).numpy()
        frozen = encoder.parts[0]
        np.testing.assert_allclose(numbers[row, :16] * frozen.deviations[0] + frozen.means[0], right, atol=1e-4)
    again = Audio().load(json.loads(json.dumps(encoder.to_dict())))
    assert again.layout() == encoder.layout() and np.array_equal(again.encode(cells)["numbers"], numbers)


def test_a_network_hears_through_a_checkpoint(checkpoint, folder):
    cells = np.array([*(str(folder / f"{i}.wav") for i in range(4)), None], object)
    encoder = Audio().fit({"said": cells}, Recipe(media="blocks"), {"said": str(checkpoint)})
    (spec,), block = encoder.layout().blocks, encoder.encode({"said": cells})["said"]
    assert block.load().shape == (5, *spec.shape) and spec.checkpoint == str(checkpoint) and block.augment is None
    again = Audio().load(json.loads(json.dumps(encoder.to_dict())))
    assert again.layout() == encoder.layout() and np.array_equal(
        again.encode({"said": cells})["said"].load(), block.load()
    )
    config = _checkpoints.resolve(str(checkpoint)).config
    net = encoders.build("checkpoint", spec, {"checkpoints": {spec.checkpoint: config}, "unfrozen": 1}).train()
    torch.manual_seed(1)  # in training some checkpoints skip a layer by chance, and then it learns nothing
    found = net(torch.from_numpy(block.load()))
    assert found.shape == (5, net.width) and torch.isfinite(found).all()
    found.square().sum().backward()
    learning = {name for name, p in net.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert learning and all("layers.1." in name or "layer.1." in name for name in learning)


def test_a_checkpoint_of_sounds_without_its_extractor_says_what_to_save(folder, tmp_path):
    path = saved_checkpoint("wav2vec2", tmp_path / "bare")
    cells = {"said": np.array([str(folder / "1.wav")], object)}
    described = Audio().fit(cells, Recipe(media="features"), {"said": str(path)}).to_dict()
    (path / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match="is not the one this model was made with"):
        Audio().load(described)
    with pytest.raises(ModelError, match=r"has no preprocessor_config.json.*AutoFeatureExtractor"):
        Audio().fit(cells, Recipe(media="features"), {"said": str(path)})
