"""Sounds: bytes to a wave of one rate, whatever format they came in, log-mel spectrograms, and what a file tells at once.

Knows soundfile, channels, rates and filters; nothing of columns, recipes or networks. Channels are averaged to one.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from fieldguide.core.errors import MissingExtra
from fieldguide.core.files.media import SEEN, BadFile, bytes_of, content_hash, uri_of
from fieldguide.parts.modalities._decoded import Decoded

MOST_SECONDS = 3_600.0  # of one sound; a small compressed file can hold a longer one
SENT_SECONDS = 5.0  # a longer sound is cut before it is packed as a sample
PREVIEW_SECONDS, PREVIEW_RATE = 2.0, 8_000  # of a sound in a report
DRAWN_BANDS, DRAWN_FRAMES = 40, 112  # of a spectrogram in a report
UNTOLD = 0x7FFF0000  # bytes from which a WAV file does not say how long it is
SILENT = 1e-4  # root mean square below which a sound says nothing (full scale is 1)
CLIPPED = 0.999  # samples this loud stand at the end of the scale
WINDOW_SECONDS = 0.025
HOP = 0.4  # of the window, from one frame to the next
FRAMES_AT_ONCE = 4_096  # whose spectra are computed together: an hour of sound at once would take gigabytes
FLOOR = 1e-6  # power below which a band is silent; its logarithm is taken of nothing smaller


def _soundfile() -> Any:
    try:
        import soundfile
    except ImportError:
        raise MissingExtra("soundfile", "audio", "reading sounds") from None
    return soundfile


def decoded(content: bytes) -> tuple[np.ndarray, int]:
    """Return (wave, rate) of bytes: (samples,) float32 in [-1, 1], samples a second.

    Raises:
        BadFile: the bytes are no sound that can be read to its end.
    """
    library = _soundfile()
    try:
        with library.SoundFile(io.BytesIO(content)) as file:
            if file.frames > MOST_SECONDS * file.samplerate:
                raise BadFile(f"a sound of {file.frames / file.samplerate:,.0f} s, more than {MOST_SECONDS:,.0f}")
            wave = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
            if len(wave) < file.frames:
                raise BadFile(f"the sound is truncated ({len(wave):,} of {file.frames:,} samples)")
    except BadFile:
        raise
    except Exception as error:  # a dozen formats fail in as many ways; each says that the file is damaged
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadFile(f"no sound that can be read ({said}; {len(content):,} bytes)") from None
    if not len(wave):
        raise BadFile("a sound without samples")
    if not np.isfinite(wave).all():
        raise BadFile("a sound with samples that are not finite")
    return np.ascontiguousarray(wave.mean(axis=1)), rate


def resampled(wave: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return a wave at another rate, by a polyphase filter against aliasing.

    Examples:
        >>> resampled(np.zeros(800, np.float32), 8000, 16000).shape
        (1600,)
    """
    if rate == wanted:
        return wave
    from scipy.signal import resample_poly

    shared = math.gcd(rate, wanted)
    return np.asarray(resample_poly(wave, wanted // shared, rate // shared), np.float32)


@cache
def mel_filters(rate: int, n_bands: int, n_fft: int) -> np.ndarray:
    """Return triangular filters, equally wide on the mel scale, from 0 to half the rate.

    Shape:
        returns: (n_bands, n_fft // 2 + 1) float32

    Source:
        mel = 2595 log10(1 + f / 700): O'Shaughnessy, "Speech Communication", 1987.

    Examples:
        >>> mel_filters(8000, 20, 256).shape
        (20, 129)
    """
    top = 2595.0 * np.log10(1.0 + rate / 2 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, n_bands + 2) / 2595.0) - 1.0)
    places = np.fft.rfftfreq(n_fft, 1.0 / rate)
    rising = (places - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - places) / np.diff(edges)[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    for band in np.flatnonzero(filters.sum(axis=1) == 0):  # narrower than a line of the spectrum: the nearest line
        filters[band, np.abs(places - edges[band + 1]).argmin()] = 1.0
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


def frames_of(rate: int, window: float = WINDOW_SECONDS) -> tuple[int, int, int]:
    """Return (window, hop, n_fft) in samples: 25 ms, two fifths of it, the next power of two.

    Args:
        window: of a frame [s].

    Examples:
        >>> frames_of(8000)
        (200, 80, 256)
    """
    n = max(16, round(window * rate))
    return n, max(8, round(HOP * window * rate)), 1 << (n - 1).bit_length()


def n_frames(n_samples: int, rate: int, window: float = WINDOW_SECONDS) -> int:
    """Return how many frames a wave has; at least one."""
    n, hop, _ = frames_of(rate, window)
    return 1 + max(0, n_samples - n) // hop


def log_mel(waves: np.ndarray, rate: int, n_bands: int, seconds: float = WINDOW_SECONDS) -> np.ndarray:
    """Return the logarithm of each frame's power in mel bands.

    Args:
        seconds: length of a frame.

    Shape:
        waves: (rows, samples) float32
        returns: (rows, n_bands, frames) float32

    Examples:
        >>> log_mel(np.zeros((2, 8000), np.float32), 8000, 40).shape
        (2, 40, 98)
    """
    window, hop, n_fft = frames_of(rate, seconds)
    if waves.shape[1] < window:
        waves = np.pad(waves, ((0, 0), (0, window - waves.shape[1])))
    taper = np.hanning(window + 1)[:-1].astype(np.float32)
    filters, found = mel_filters(rate, n_bands, n_fft).T, []
    for wave in waves:  # a row at a time: all frames of a batch at once would not fit a cache
        frames, parts = np.lib.stride_tricks.sliding_window_view(wave, window)[::hop], []
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            power = np.abs(np.fft.rfft(frames[start : start + FRAMES_AT_ONCE] * taper, n_fft)) ** 2 / window
            parts.append(np.log(np.maximum(power.astype(np.float32) @ filters, FLOOR)))
        found.append(np.concatenate(parts).T)
    return np.stack(found) if found else np.zeros((0, n_bands, n_frames(waves.shape[1], rate, seconds)), np.float32)


def fitted(wave: np.ndarray, n_samples: int) -> np.ndarray:
    """Return a wave of so many samples: its middle where it is longer, with silence around it where it is shorter.

    Examples:
        >>> fitted(np.array([1.0, 2.0, 3.0]), 1).tolist(), fitted(np.array([1.0]), 3).tolist()
        ([2.0], [0.0, 1.0, 0.0])
    """
    more = n_samples - len(wave)
    if more <= 0:
        start = -more // 2
        return wave[start : start + n_samples]
    return np.pad(wave, (more // 2, more - more // 2))


DECODED = Decoded()
"""Waves that this process has decoded."""
SUMMARIES = Decoded()
"""Summaries of waves: a kilobyte each, for all folds and candidates."""


def wave_of(cell: str, rate: int) -> np.ndarray:
    """Return one cell's wave at a rate, (samples,) float32.

    Raises:
        DataError: the file was readable when its row was read, and is not any more.
    """
    return DECODED.of(rate, cell, lambda: resampled(*decoded(bytes_of(cell)), rate))


def summary_of(cell: str, rate: int, n_bands: int) -> np.ndarray:
    """Return mean and deviation of each log-mel band over time, log seconds and log loudness: (2 · n_bands + 2,)."""

    def summed() -> np.ndarray:
        wave = wave_of(cell, rate)
        bands = log_mel(wave[None], rate, n_bands)[0]
        loud = np.log(max(float(np.sqrt(np.mean(wave * wave))), SILENT))
        return np.concatenate([bands.mean(axis=1), bands.std(axis=1), [np.log(len(wave) / rate), loud]])

    return SUMMARIES.of((rate, n_bands), cell, summed)


def facts_of(cell: str) -> dict[str, Any]:
    """Return what is known of a sound file: hash, bytes, rate, seconds, channels, format, rms, clipped, print; or `error`.

    The file is read to its end once; a study remembers what was found.
    """
    return dict(SEEN.facts(cell, "audio", _facts))


def _facts(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"audio": 1, "hash": content_hash(content), "bytes": len(content)}
    try:
        with _soundfile().SoundFile(io.BytesIO(content)) as file:
            found |= {
                "rate": int(file.samplerate),
                "channels": int(file.channels),
                "format": f"{file.format} {file.subtype}",
            }
    except Exception:  # said in full by `decoded`, which reads to the end
        found |= {"rate": 0, "channels": 0, "format": ""}
    try:
        wave, rate = decoded(content)
        _refuse_cut(content)
    except BadFile as error:
        return found | {"error": str(error)}
    rms = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
    return found | {
        "seconds": round(len(wave) / rate, 4), "rms": round(rms, 6), "silent": rms < SILENT,
        "clipped": round(float((np.abs(wave) >= CLIPPED).mean()), 5), "print": sound_print(wave, rate),
    }  # fmt: skip


def _refuse_cut(content: bytes) -> None:
    """Raise a BadFile where a WAV file ends before its sound: decoders play what is there, as if it were all.

    A recorder that did not know the length beforehand writes the greatest there is, or 0.
    """
    at = 12 if content[:4] == b"RIFF" else len(content)
    while content[at : at + 4] not in (b"data", b""):  # other chunks, each with its size; of odd size with a byte more
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    said, held = int.from_bytes(content[at + 4 : at + 8], "little"), len(content) - at - 8
    if 0 <= held < 0.99 * said and said < UNTOLD:
        raise BadFile(f"the sound is truncated ({held:,} of {said:,} bytes)")


def sound_print(wave: np.ndarray, rate: int) -> str:
    """Return 128 bits, as 32 hex digits, of how loudness moves between bands and over time; "" for silence.

    Copies that were made louder, cut by a little or saved in another format keep nearly all of them.

    Source:
        Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002, in coarse form.
    """
    if float(np.abs(wave).max()) < SILENT:
        return ""
    bands = log_mel(resampled(wave, rate, 8000)[None], 8000, 17)[0]
    bands = np.maximum(bands, bands.max() - 7.0)  # 30 dB below the loudest lies what a format makes of silence
    edges = np.linspace(0, bands.shape[1], 10).astype(int)
    parts = np.stack([bands[:, a : max(b, a + 1)].mean(axis=1) for a, b in pairwise(edges.tolist())], axis=1)
    slopes = np.diff(np.diff(parts, axis=0), axis=1)  # (16, 8): how a step between bands changes with time
    return np.packbits(slopes.ravel() > 0).tobytes().hex()


def portable(cell: str) -> str:
    """Return a cell as a `data:` URI that can be sent anywhere: 16 bits a sample, one channel, at most a few seconds."""
    wave, rate = decoded(bytes_of(cell))
    return uri_of(written(fitted(wave, min(len(wave), int(SENT_SECONDS * rate))), rate), "audio/wav")


def preview(cell: str) -> str:
    """Return what people listen to in a report, as a `data:` URI: at most two seconds, 8 bits a sample, 8 kHz."""
    wave, rate = decoded(bytes_of(cell))
    low = resampled(wave, rate, min(rate, PREVIEW_RATE))
    most = int(PREVIEW_SECONDS * min(rate, PREVIEW_RATE))
    return uri_of(written(fitted(low, min(len(low), most)), min(rate, PREVIEW_RATE), "PCM_U8"), "audio/wav")


def spectrogram(cell: str) -> str:
    """Return the log-mel spectrogram of a sound as a small grey PNG, low bands below, as a `data:` URI.

    Shades go from 60 dB below the loudest cell to the loudest.
    """
    wave, rate = decoded(bytes_of(cell))
    bands = log_mel(wave[None], rate, DRAWN_BANDS)[0]
    edges = np.linspace(0, bands.shape[1], min(DRAWN_FRAMES, bands.shape[1]) + 1).astype(int)
    drawn = np.stack([bands[:, a : max(b, a + 1)].mean(axis=1) for a, b in pairwise(edges.tolist())], axis=1)[::-1]
    low = drawn.max() - 6.0 * np.log(10.0)
    shades = np.clip((drawn - low) / max(float(drawn.max()) - low, 1e-6), 0.0, 1.0)
    return uri_of(_png(np.round(255 * (1.0 - shades)).astype(np.uint8)), "image/png")


def _png(grey: np.ndarray) -> bytes:
    """Return shades of grey, (height, width) uint8, as a PNG file: nothing but zlib is needed for that."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width = grey.shape
    lines = b"".join(b"\x00" + row.tobytes() for row in grey)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


def written(wave: np.ndarray, rate: int, subtype: str = "PCM_16") -> bytes:
    """Return a wave as the bytes of a WAV file, of 16 bits a sample unless `subtype` says otherwise."""
    file = io.BytesIO()
    _soundfile().write(file, np.clip(wave, -1.0, 1.0), rate, format="WAV", subtype=subtype)
    return file.getvalue()
