"""The section `preprocessing` of study.yaml: how columns become what learners read.

Knows the names, the bounds and the meaning of each entry. What is done by it is `core.transform.Recipe`'s, whose fields have the same
names; a test holds the two together.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fieldguide.core.documents.sections import Number, Section, Switch, Whole


class PreprocessingSection(Section):
    """How columns become what learners read. Fitted on training rows only; what is stated holds for every learner, and refine starts there."""

    scaling: Literal["none", "standard", "robust", "quantile"] | None = Field(
        default=None, description="numbers: how they are scaled; absent: as each learner wants them"
    )
    min_count: Whole | None = Field(
        default=None, ge=1, description="categories: a level in fewer training rows is rare (5)"
    )
    max_levels: Whole | None = Field(default=None, ge=1, description="categories: the most levels kept (256)")
    dates: Literal["parts", "elapsed"] | None = Field(
        default=None, description="datetimes: calendar parts and elapsed time (parts), or elapsed time only"
    )
    tokeniser: Literal["word", "bpe"] | None = Field(
        default=None, description="texts: words (word), or pieces learned on the training rows (bpe)"
    )
    vocabulary: Whole | None = Field(
        default=None, ge=1, description="texts: the most words or pieces a network knows (20,000)"
    )
    max_tokens: Whole | None = Field(
        default=None, ge=1, le=8192, description="texts: the most tokens of a row that a network reads (128)"
    )
    pixels: Whole | None = Field(
        default=None,
        ge=4,
        le=1024,
        description="images: height and width they are resized to (as large as most of them, 32 to 64)",
    )
    pixel_scaling: Literal["standard", "range"] | None = Field(
        default=None, description="images: by each channel's mean and deviation (standard), or to -1 … 1 (range)"
    )
    flip: Switch | None = Field(
        default=None,
        description="images: mirror training rows at random, where a mirrored image has the same label (false)",
    )
    mel_bands: Whole | None = Field(
        default=None, ge=4, le=256, description="sounds: bands of the log-mel spectrogram (64)"
    )
    waves: Literal["mel", "raw"] | None = Field(
        default=None, description="sounds: log-mel spectrograms (mel), or the wave itself (raw)"
    )
    rate: Whole | None = Field(
        default=None,
        ge=1000,
        le=48_000,
        description="sounds: samples a second they are resampled to; absent: the most frequent, at most 16,000",
    )
    seconds: Number | None = Field(
        default=None,
        gt=0,
        le=600,
        description="sounds: length that a network hears; absent: nearly the longest, at most 10",
    )
    window: Number | None = Field(
        default=None, ge=4, le=200, description="sounds: length of a frame of the spectrogram [ms] (25)"
    )
    masks: Number | None = Field(
        default=None,
        ge=0,
        le=0.9,
        description="sounds: the most of bands and of frames that training rows have masked, SpecAugment (0.15)",
    )
    time_shift: Number | None = Field(
        default=None,
        ge=0,
        le=0.5,
        description="sounds: how far training rows are moved in time, as a share of the length (0.1)",
    )
    n_steps: Whole | None = Field(
        default=None,
        ge=2,
        description="series: the most steps, longer ones are resampled; absent: the longest, at most 512",
    )
    augment: Switch | None = Field(
        default=None, description="texts, images, sounds, series: alter training rows at random (true)"
    )

    def stated(self) -> dict[str, Any]:
        """Return what is stated, by field of `Recipe`."""
        return self.model_dump(exclude_none=True)
