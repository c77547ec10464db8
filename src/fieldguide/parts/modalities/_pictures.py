"""Pictures: bytes to pixels of one size, whatever format and mode they came in, and what can be told of a file at once.

Knows Pillow, formats, rotation, and padding; nothing of columns, recipes or networks.

A picture is turned as its EXIF says, laid on white where it is transparent, and brought to 8 bits a channel; of an animation
the first frame is taken. It is made smaller with anti-aliasing until it fits into the square, which it fills along its longer
side; what is left of the shorter side is filled with the picture's mean colour, so that nothing is cut off.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np

from fieldguide.core.errors import MissingExtra
from fieldguide.core.files.media import SEEN, BadFile, bytes_of, content_hash, uri_of
from fieldguide.parts.modalities._decoded import Decoded

MOST_PIXELS = 100_000_000  # of one picture; a small file can claim to be a larger one
SENT_PIXELS, SENT_BYTES = 256, 32_768  # a larger picture is made smaller before it is packed as a sample


def decoded(content: bytes, least: int = 0) -> Any:
    """Return the Pillow image of bytes: turned upright, mode L or RGB, JPEGs at the least scale that has `least` pixels a side.

    Raises:
        BadFile: the bytes are no image that can be read to its end.
    """
    image_library = _pillow()
    try:
        image = image_library.open(io.BytesIO(content))
        if image.width * image.height > MOST_PIXELS:
            raise BadFile(f"a picture of {image.width:,} x {image.height:,} pixels, more than {MOST_PIXELS:,}")
        if least and image.format == "JPEG":
            image.draft("L" if image.mode == "L" else "RGB" if image.mode in ("RGB", "YCbCr") else None, (least, least))
        image.load()
        return upright(_eight_bits(image))
    except BadFile:
        raise
    except Exception as error:  # decoders of a dozen formats fail in as many ways; each says that the file is damaged
        raise BadFile(_failure(error, content)) from None


def _failure(error: Exception, content: bytes) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "cannot identify image" in text:
        return f"no image that can be recognised ({len(content):,} bytes)"
    if "truncated" in text.lower() or "broken data stream" in text.lower() or isinstance(error, EOFError):
        return f"the image is truncated ({len(content):,} bytes)"
    return f"the image is damaged ({text})"


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("pillow", "image", "reading images") from None
    return Image


def upright(image: Any) -> Any:
    """Return the image turned as its EXIF says; broken EXIF turns nothing."""
    from PIL import ImageOps

    try:
        orientation = image.getexif().get(0x0112, 1)
    except (ValueError, TypeError, KeyError, SyntaxError, OSError):
        return image
    return ImageOps.exif_transpose(image) if orientation in range(2, 9) else image


def _eight_bits(image: Any) -> Any:
    """Return the image in mode L or RGB, its EXIF kept."""
    exif = image.info.get("exif"), image
    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith("I") or image.mode == "F":
        image = _from_deep(image)
    elif image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = _pillow().new("RGBA", rgba.size, (255, 255, 255, 255))
        laid = _pillow().alpha_composite(white, rgba)
        image = laid.convert("L" if image.mode in ("LA", "La") else "RGB")
    else:
        image = image.convert("L" if image.mode == "1" else "RGB")
    if exif[0] is not None:
        image.info["exif"] = exif[0]
    return image


def _from_deep(image: Any) -> Any:
    """Return a picture of 16 bits, 32 bits or floats as one of 8 bits: whole numbers by their range, floats by their own."""
    values = np.asarray(image, np.float64)
    if image.mode == "F":
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        scaled = (values - low) * (255.0 / (high - low or 1.0))
    elif image.mode.startswith("I;16") or values.max(initial=0.0) > 255:
        scaled = values / 257.0
    else:
        scaled = values
    return _pillow().fromarray(np.clip(np.nan_to_num(scaled) + 0.5, 0, 255).astype(np.uint8))


def squared(image: Any, side: int, channels: int) -> np.ndarray:
    """Return an image as a square of pixels.

    Shape:
        returns: (channels, side, side) uint8
    """
    wanted = "L" if channels == 1 else "RGB"
    image = image if image.mode == wanted else image.convert(wanted)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        shrinks = scale < 1
        image = image.resize(
            size, resample=2, reducing_gap=3.0 if shrinks else None
        )  # 2: bilinear, anti-aliased when it shrinks
    array = np.asarray(image, np.uint8).reshape(size[1], size[0], channels)
    if size != (side, side):
        filled = np.empty((side, side, channels), np.uint8)
        filled[:] = np.round(array.mean(axis=(0, 1))).astype(np.uint8)
        top, left = (side - size[1]) // 2, (side - size[0]) // 2
        filled[top : top + size[1], left : left + size[0]] = array
        array = filled
    return np.ascontiguousarray(array.transpose(2, 0, 1))


DECODED = Decoded()
"""Pixels that this process has decoded."""


def pixels_of(cell: str, side: int, channels: int) -> np.ndarray:
    """Return one cell's pixels, (channels, side, side) uint8.

    JPEGs are decoded at twice the side at least: their own scaling rounds sizes up, and moves what they show.

    Raises:
        DataError: the file was readable when its row was read, and is not any more.
    """
    return DECODED.of((side, channels), cell, lambda: squared(decoded(bytes_of(cell), 2 * side), side, channels))


def facts_of(cell: str) -> dict[str, Any]:
    """Return what is known of an image file: hash, bytes, width, height, mode, format, frames, alpha, phash; or `error`.

    The file is read to its end once; a study remembers what was found.
    """
    return dict(SEEN.facts(cell, "image", _facts))


def _facts(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"image": 1, "hash": content_hash(content), "bytes": len(content)}
    try:
        image = _pillow().open(io.BytesIO(content))
        found |= {"mode": image.mode, "format": image.format or "", "frames": int(getattr(image, "n_frames", 1))}
        found |= (
            {"turned": int(image.getexif().get(0x0112, 1) or 1)}
            if image.format in ("JPEG", "TIFF", "WEBP", "PNG")
            else {}
        )
        found |= {"width": image.width, "height": image.height}
        small = decoded(content, 64)
    except BadFile as error:
        return found | {"error": str(error)}
    except Exception as error:  # as in `decoded`: the header may be as damaged as the rest
        return found | {"error": _failure(error, content)}
    return found | {"phash": _perceptual(small), "grey": _is_grey(small)}


def _is_grey(image: Any) -> bool:
    """Whether a picture has no colour, even if it is stored with three channels."""
    if image.mode == "L":
        return True
    array = np.asarray(image.resize((16, 16)), np.int16)
    return bool(np.abs(array - array[:, :, :1]).max() <= 2)


def _perceptual(image: Any) -> str:
    """Return the perceptual hash as 16 hex digits, "" for a picture without contrast (all such have one hash)."""
    try:
        import imagehash
    except ImportError:
        raise MissingExtra("imagehash", "image", "finding near-duplicate images") from None
    if float(np.asarray(image.convert("L").resize((16, 16)), np.float32).std()) < 2.0:
        return ""
    return str(imagehash.phash(image))


@lru_cache(maxsize=512)  # a study asks for its samples again before every step
def portable(cell: str, most: int = SENT_PIXELS) -> str:
    """Return a cell as a `data:` URI that can be sent anywhere; a picture of many bytes is made smaller first."""
    content = bytes_of(cell)
    if len(content) <= SENT_BYTES and cell.startswith("data:"):
        return cell
    image = _pillow().open(io.BytesIO(content))
    if len(content) <= SENT_BYTES and image.format in ("PNG", "JPEG", "GIF", "WEBP"):
        return uri_of(content, f"image/{image.format.lower()}")
    return thumbnail(cell, most)


def thumbnail(cell: str, side: int, quality: int = 85) -> str:
    """Return a picture as a small JPEG, its longer side at most `side` pixels, as a `data:` URI."""
    image = decoded(bytes_of(cell), side)
    image.thumbnail((side, side), resample=2)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return uri_of(file.getvalue(), "image/jpeg")
