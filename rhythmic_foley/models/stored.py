"""A base for small networks that a command loads alone, without the libraries of the sound model.

A pipeline's components are diffusers' `ModelMixin`. Importing that takes three times as long as torch alone, which
somebody who only wants a clip described would wait for. This base reads and writes the same two files, `config.json`
and `diffusion_pytorch_model.safetensors`, so that either class opens what the other one has saved.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import torch
from safetensors.torch import load, save_file
from torch import nn

from rhythmic_foley.errors import FoleyError

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"

Network = TypeVar("Network", bound="StoredNetwork")


class StoredNetwork(nn.Module):
    """A network with a configuration, saved to a folder and loaded from one.

    Args:
        config: the arguments of the subclass's constructor, by name; kept as attributes of `config`.
    """

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(**config)

    def register_to_config(self, **changes: Any) -> None:
        """Change some values of the configuration."""
        vars(self.config).update(changes)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    @classmethod
    def from_pretrained(cls: type[Network], folder: str | Path) -> Network:
        """Load a network for use (`eval`) in float32, whatever its numbers are stored as.

        The weights are copied out of the file, so that a file that changes later cannot change or crash the network.

        Raises:
            FoleyError: if a file is missing, damaged or of another network.
        """
        folder = Path(folder)
        try:
            stored = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            known = inspect.signature(cls.__init__).parameters
            network = cls(**{name: value for name, value in stored.items() if name in known})
            network.load_state_dict(load((folder / WEIGHTS).read_bytes()))
        except Exception as error:  # safetensors, json and torch each raise their own kinds
            raise FoleyError(f"The network in {folder} is damaged or incomplete ({error}); fetch it again.") from error
        return network.float().eval()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write configuration and weights into a folder, which is made if it does not exist."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = {"_class_name": type(self).__name__, **vars(self.config)}
        (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        weights = {name: tensor.contiguous() for name, tensor in self.state_dict().items()}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
