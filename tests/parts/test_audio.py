"""Sounds: reading, bad files, spectrograms against their formula, copies, and encoders."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
import soundfile
import torch

from fieldguide.core.files.media import uri_of
from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.parts.modalities import _sounds
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
        (lambda f: soundfile.write(f, np.zeros(0, np.float32), RATE), "without samples"),
        (lambda f: None, "there is no such file"),
    ],
)
def test_bad_files_say_what_they_are(folder, column, make, why):
    make(folder / "bad.wav")
    value, broken = Audio().read_value("bad.wav", column)
    assert (value, broken) == (None, True) and why in Audio().why("bad.wav", column)
    (folder / "bad.wav").unlink(missing_ok=True)


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
    store = _sounds.Store()
    for cell, kept in ((sent, 0), (str(folder / "3.wav"), 1)):
        assert np.isfinite(store.summary(cell, RATE, 20)).all()
        assert (len(store._kept), len(store._summaries), store._bytes > 0) == (kept, kept, bool(kept))


def test_frames_in_parts_are_frames_at_once(monkeypatch):
    wave = tone(400, 2.0)[None]
    whole = _sounds.log_mel(wave, RATE, 20)
    monkeypatch.setattr(_sounds, "FRAMES_AT_ONCE", 7)
    assert np.allclose(_sounds.log_mel(wave, RATE, 20), whole, atol=1e-5) and whole.shape[2] == 198


def test_bands_are_scaled_by_all_frames_and_a_flat_one_is_left_alone(folder):
    cells = np.array([str(folder / f"{i}.wav") for i in range(4)], object)
    frames = np.concatenate([_sounds.log_mel(_sounds.STORE.wave(c, RATE)[None], RATE, 20)[0] for c in cells], axis=1)
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
