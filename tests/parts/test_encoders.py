"""Encoders of whole columns, and the network that joins them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fieldguide.core.batch import Spec
from fieldguide.core.errors import ModelError
from fieldguide.parts.nets import encoders
from fieldguide.parts.nets.encoders.text import FORMS as EVERY
from fieldguide.parts.nets.encoders.text import Recurrent
from fieldguide.parts.nets.fusion import Fusion

FORMS = [form for form in EVERY if form != "checkpoint"]  # which is tested with a checkpoint, in test_text
SETTINGS = {"d_embedding": 16, "dropout": 0.3}
TOKENS = Spec("said", "text", (12,), "int32", 50)


@pytest.mark.parametrize("form", FORMS)
def test_padding_and_neighbours_change_nothing(form):
    torch.manual_seed(0)
    encoder = encoders.build(form, TOKENS, SETTINGS).eval()
    rows = torch.randint(1, 50, (4, 7), dtype=torch.int32)
    rows[1, 3:] = 0
    rows[2] = 0
    together = encoder(torch.cat([rows, torch.zeros(4, 5, dtype=torch.int32)], 1))
    assert together.shape == (4, encoder.width)
    assert torch.isfinite(together).all()
    for i, length in enumerate((7, 3, 1, 7)):
        torch.testing.assert_close(encoder(rows[i : i + 1, :length])[0], together[i], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_learns(form):
    encoder = encoders.build(form, TOKENS, SETTINGS).train()
    encoder(torch.randint(1, 50, (64, 9), dtype=torch.int32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


def test_forget_gates_start_open():
    layer = Recurrent("lstm", size=10, d_embedding=4, d_state=3).layer
    total = layer.bias_ih_l0 + layer.bias_hh_l0
    assert total[3:6].tolist() == [1.0, 1.0, 1.0]


def test_a_name_from_a_folder_chooses_among_ours_only():
    with pytest.raises(ModelError, match="there is no text encoder named 'os'"):
        encoders.build("os", TOKENS, SETTINGS)
    with pytest.raises(ModelError, match="no encoders for columns of kind 'video'"):
        encoders.build("cnn", Spec("x", "video", (1,)), SETTINGS)


def test_inputs_are_joined_by_column():
    net = Fusion(2, [5], [TOKENS.to_dict()] * 2, ["pool", "cnn"], 3, settings=SETTINGS, d_hidden=8).eval()
    numbers, codes = torch.randn(6, 2), torch.randint(0, 5, (6, 1), dtype=torch.int32)
    tokens = torch.randint(0, 50, (6, 12), dtype=torch.int32)
    assert net(numbers, codes, tokens, tokens).shape == (6, 1, 3)
    assert net.embed(numbers, codes, tokens, tokens).shape == (6, 24)
    other = net(numbers, codes, tokens, tokens.flip(0))
    assert not np.allclose(other.detach(), net(numbers, codes, tokens, tokens).detach())
