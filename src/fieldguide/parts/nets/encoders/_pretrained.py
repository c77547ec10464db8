"""Pretrained backbones inside a network: built from their configuration, frozen but for their later layers.

Knows transformers' models and which of their layers learn; where weights come from is the learner's, what goes in and out each
modality's encoder's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from fieldguide.core.errors import MissingExtra, ModelError


class Backbone(nn.Module):
    """A pretrained model of which the last `unfrozen` layers learn.

    Args:
        config: the checkpoint's configuration, as plain data; weights are loaded by whoever has them.
        unfrozen: later layers that learn [layers]; 0: none, the model is a fixed function; -1: all.
    """

    def __init__(self, config: Mapping[str, Any], unfrozen: int) -> None:
        super().__init__()
        self.pretrained = encoder_of(model_of(config))
        self.unfrozen = unfrozen
        for parameter in self.pretrained.parameters():
            parameter.requires_grad = unfrozen < 0
        if unfrozen > 0:
            for layer in layers_of(self.pretrained)[-unfrozen:]:
                for parameter in layer.parameters():
                    parameter.requires_grad = True

    def train(self, mode: bool = True) -> Backbone:
        super().train(mode)
        if not self.unfrozen:  # a fixed function has no dropout and moves no statistics
            self.pretrained.eval()
        return self

    def forward(self, **inputs: Tensor) -> Any:
        return self.pretrained(**inputs)


def model_of(config: Mapping[str, Any]) -> nn.Module:
    """Return an untrained model of a configuration; no code comes from a folder.

    Raises:
        ModelError: transformers has no such architecture.
    """
    try:
        from transformers import CONFIG_MAPPING, AutoModel
    except ImportError:
        raise MissingExtra("transformers", "text", "a pretrained encoder") from None
    kind = str(config.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        raise ModelError(
            f"there is no architecture {kind!r}", rule="a checkpoint's model_type is one that transformers has itself",
            found=f"model_type is {kind!r}, and transformers has {len(CONFIG_MAPPING):,} others",
            do="choose another checkpoint, or update transformers",
        )  # fmt: skip
    # eager attention exports to ONNX, and is as fast for short rows on a processor
    return AutoModel.from_config(CONFIG_MAPPING[kind].from_dict(dict(config)), attn_implementation="eager")


def encoder_of(model: nn.Module) -> nn.Module:
    """Return the part of a model that reads: all of it, or of a model that also writes (Whisper) its encoder."""
    config: Any = getattr(model, "config", None)
    return model.get_encoder() if getattr(config, "is_encoder_decoder", False) else model  # type: ignore[operator]


def layers_of(model: nn.Module) -> list[nn.Module]:
    """Return a model's layers in order: the stack of like modules that holds most of its weights, its stages taken apart.

    Raises:
        ModelError: it has none; then all of it learns or nothing does.
    """
    stacks = [m for m in model.modules() if isinstance(m, nn.ModuleList | nn.Sequential) and len(m) > 1]
    stacks = [stack for stack in stacks if len({type(layer) for layer in stack}) == 1]
    if not stacks:
        raise ModelError(
            "this checkpoint has no stack of layers",
            rule="some layers are unfrozen from the top of a stack of equal ones",
            found=f"{type(model).__name__} has none",
            do="set unfrozen to 0 (none) or -1 (all)",
        )
    stack = max(stacks, key=lambda stack: sum(p.numel() for p in stack.parameters()))
    layers: list[nn.Module] = []
    for layer in stack:  # the stages of a residual network are stacks themselves
        inner = getattr(layer, "layers", None)
        layers += list(inner) if isinstance(inner, nn.ModuleList | nn.Sequential) and len(inner) else [layer]
    return layers
