"""YAMNet (Google, AudioSet) names sounds; its embeddings are the audio side of the aligned encoder."""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin

from rhythmic_foley.models.yamnet_network import CHANNELS, STRIDES, YamnetNetwork, yamnet_layers
from rhythmic_foley.models.yamnet_network import HOP_S as HOP_S
from rhythmic_foley.models.yamnet_network import PATCH_FRAMES as PATCH_FRAMES
from rhythmic_foley.models.yamnet_network import patches_at as patches_at
from rhythmic_foley.models.yamnet_network import yamnet_mel as yamnet_mel


class Yamnet(ModelMixin, ConfigMixin):
    """`YamnetNetwork` as diffusers saves and loads it; the arguments are the same."""

    @register_to_config
    def __init__(self, channels: tuple[int, ...] = CHANNELS, stem_channels: int = 32, classes: int = 521) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = yamnet_layers(channels, stem_channels, classes)

    forward = YamnetNetwork.forward


def from_keras_arrays(arrays: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Renames the published arrays (`LAYER.name`, Keras order) to this module's state dict."""
    layers: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in arrays.items():
        number, name = key.split(".", 1)
        layers.setdefault(int(number), {})[name] = value
    order = [layers[i] for i in sorted(layers)]
    names = ["stem"] + [f"blocks.{block}.{part}" for block in range(len(STRIDES)) for part in (0, 1)]
    state: dict[str, torch.Tensor] = {}
    for position, name in enumerate(names):
        conv, norm = order[2 * position], order[2 * position + 1]
        depthwise = name.endswith(".0")
        (kernel,) = conv.values()
        state[f"{name}.conv.weight"] = kernel.permute(2, 3, 0, 1) if depthwise else kernel.permute(3, 2, 0, 1)
        state[f"{name}.norm.weight"] = torch.ones_like(norm["beta"])
        state[f"{name}.norm.bias"] = norm["beta"]
        state[f"{name}.norm.running_mean"] = norm["moving_mean"]
        state[f"{name}.norm.running_var"] = norm["moving_variance"]
        state[f"{name}.norm.num_batches_tracked"] = torch.tensor(0)
    state["head.weight"], state["head.bias"] = order[-1]["kernel"].T, order[-1]["bias"]
    return state
