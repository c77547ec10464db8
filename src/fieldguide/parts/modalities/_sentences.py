"""Texts through a pretrained encoder: its own pieces of words, and the mean of its last states as features.

Knows tokenizer.json and the packages that read it; where checkpoints are and how features are kept is `_checkpoints`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.errors import MissingExtra, ModelError
from fieldguide.parts.modalities._checkpoints import Checkpoint, features

TOKENISER = "tokenizer.json"
MOST_TOKENS = 256
BATCH = 64  # texts that go through the encoder at once, of like length


@cache
def tokeniser_of(folder: Path, most: int) -> Any:
    """Return the tokeniser of a checkpoint's folder, cutting texts after `most` pieces.

    Where it cuts is a state of a tokeniser: one is kept per length, so that columns and threads do not set it for each other.

    Raises:
        ModelError: the folder has none.
        MissingExtra: the package that reads it is not installed.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtra("tokenizers", "text", "the tokeniser of a checkpoint") from None
    if not (folder / TOKENISER).is_file():
        raise ModelError(
            f"the checkpoint in {folder} has no {TOKENISER}", rule="texts are cut as they were when the encoder was trained",
            found=f"it holds {', '.join(sorted(p.name for p in folder.iterdir())) if folder.is_dir() else 'nothing: there is no such folder'}",
            do="save it by `AutoTokenizer.from_pretrained(NAME).save_pretrained(folder)`",
        )  # fmt: skip
    tokeniser = Tokenizer.from_file(str(folder / TOKENISER))
    tokeniser.no_padding()
    tokeniser.enable_truncation(max_length=most)
    return tokeniser


def pieces_of(checkpoint: Checkpoint, texts: Sequence[str | None], most: int) -> list[np.ndarray]:
    """Return the codes of each text's pieces, with the marks the encoder expects around them; none for no text.

    Shape:
        returns[i]: (at most `most`,) int32
    """
    tokeniser = tokeniser_of(checkpoint.folder, min(most, longest_of(checkpoint)))
    known = [text for text in texts if text]
    found = iter(tokeniser.encode_batch(known))
    return [np.array(next(found).ids if text else (), np.int32) for text in texts]


def longest_of(checkpoint: Checkpoint) -> int:
    """Return how many pieces the encoder can take."""
    return int(checkpoint.config.get("max_position_embeddings", 512))


def padding_of(checkpoint: Checkpoint) -> int:
    """Return the code that the encoder's configuration sets aside for padding."""
    return int(checkpoint.config.get("pad_token_id") or 0)


def encoder_hash(checkpoint: Checkpoint, most: int) -> str:
    """Return what features are known by: the checkpoint and how many pieces of a text it sees."""
    return hashlib.blake2b(json.dumps([checkpoint.hash, most, "mean"]).encode(), digest_size=8).hexdigest()


def sentence_features(checkpoint: Checkpoint, texts: Sequence[str | None], most: int = MOST_TOKENS) -> np.ndarray:
    """Return the mean of the encoder's last states over each text's pieces, scaled to length 1; zeros for no text.

    What was computed before in this study comes from its store, equal to the last bit.

    Shape:
        returns: (rows, hidden size) float32

    Source:
        Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3.
    """
    width = int(checkpoint.config["hidden_size"])
    keys = [
        hashlib.blake2b((text or "").encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for text in texts
    ]

    def compute(places: Sequence[int]) -> np.ndarray:
        return _encoded(checkpoint, [texts[place] for place in places], most, width)

    return features(keys, encoder_hash(checkpoint, most), compute, width)


def _encoded(checkpoint: Checkpoint, texts: Sequence[str | None], most: int, width: int) -> np.ndarray:
    import torch

    model = model_of(checkpoint.folder)
    pieces = pieces_of(checkpoint, texts, most)
    found, order = np.zeros((len(texts), width), np.float32), np.argsort([len(p) for p in pieces], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            rows = [row for row in order[start : start + BATCH] if len(pieces[row])]
            if not rows:
                continue
            codes = np.full((len(rows), max(len(pieces[row]) for row in rows)), padding_of(checkpoint), np.int64)
            seen = np.zeros(codes.shape, np.int64)
            for i, row in enumerate(rows):
                codes[i, : len(pieces[row])], seen[i, : len(pieces[row])] = pieces[row], 1
            mask = torch.from_numpy(seen)
            states = model(input_ids=torch.from_numpy(codes), attention_mask=mask).last_hidden_state
            mean = (states * mask.unsqueeze(2)).sum(1) / mask.sum(1, keepdim=True)
            found[rows] = torch.nn.functional.normalize(mean, dim=1).float().numpy()
    return found


@cache
def model_of(folder: Path) -> Any:
    """Return the frozen encoder of a checkpoint's folder; weights are safetensors, and no code is taken from it."""
    try:
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError:
        raise MissingExtra("transformers", "text", "a pretrained encoder") from None
    logging.disable_progress_bar()
    return AutoModel.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()
