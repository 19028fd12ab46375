"""The recipe of the embedded model, stage by stage; each reads and writes one folder of components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from accelerate import PartialState
from diffusers import ControlNetModel, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.modeling_utils import ModelMixin
from transformers import AutoTokenizer, BertModel

from rhythmic_foley.models.adapters import Adapter
from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.aligned_unet import AlignedUNet
from rhythmic_foley.models.autoencoder import MelAutoencoder
from rhythmic_foley.models.sizes import (
    MINI,
    Size,
    new_aligned_encoder,
    new_autoencoder,
    new_semantic_adapter,
    new_temporal_adapter,
    new_unet,
    new_vocoder,
)
from rhythmic_foley.models.text_encoder import embed_text, embed_tokens
from rhythmic_foley.models.vocoder import FoleyVocoder, GriffinLim
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.training import diffusion, encoders
from rhythmic_foley.training.batches import Windows
from rhythmic_foley.training.loop import Schedule
from rhythmic_foley.training.prepare import SceneSet, load_yamnet
from rhythmic_foley.training.vocoder import Examples, train_vocoder
from rhythmic_foley.training.wordings import Wordings

SCHEDULES = {
    "autoencoder": Schedule(steps=800, learning_rate=1e-3, weight_decay=0.0, ema_decay=0.99),
    "vocoder": Schedule(steps=2000, learning_rate=1e-3, weight_decay=1e-2),
    "aligned-encoder": Schedule(steps=1200, learning_rate=2e-3, weight_decay=1e-2, ema_decay=0.99),
    "base": Schedule(steps=2600, learning_rate=5e-4),
    "temporal": Schedule(steps=1300, learning_rate=5e-4),
    "semantic": Schedule(steps=700, learning_rate=4e-4),
}
# How the assembled model is asked unless somebody says otherwise: fewer steps, or guidance in fewer of them, were no
# worse than 20 guided steps beyond chance (docs/speed.md).
SAMPLING = {"default_steps": 10, "guided_from": 400.0}


@dataclass(frozen=True)
class Workshop:
    """Where a training run finds and leaves things.

    Attributes:
        scenes_folder: prepared scenes.
        yamnet: `yamnet_fp16.npz`.
        checkpoint: folder with `text_encoder/` and `tokenizer/`; the trained components are written beside them.
        runs: logs and resumable states.
        size: of the networks.
        go_on: start from the checkpoint's weights of the stage instead of new ones.
        compiled: compile the networks first: half a minute more at the start, a third less for each step (measured on
            one core of a Xeon); needs a C++ compiler.
        text_noise: length of the noise on the embeddings of words, which have length 1.
    """

    scenes_folder: Path
    yamnet: Path
    checkpoint: Path
    runs: Path
    size: Size = MINI
    go_on: bool = False
    compiled: bool = False
    text_noise: float = 0.0

    def train(self, stage: str, steps: int | None = None, learning_rate: float | None = None) -> None:
        """Runs one stage to its end, resuming it if it was begun."""
        schedule = SCHEDULES[stage]
        schedule = replace(
            schedule, steps=steps or schedule.steps, learning_rate=learning_rate or schedule.learning_rate
        )
        run = self.runs / stage
        {
            "autoencoder": self._autoencoder,
            "vocoder": self._vocoder,
            "aligned-encoder": self._aligned_encoder,
            "base": self._base,
            "semantic": self._semantic,
            "temporal": self._temporal,
        }[stage](schedule, run)
        PartialState().wait_for_everyone()  # the next stage reads what the first process has written

    def assemble(self) -> None:
        """Writes what makes a pipeline of the components: its index, the sampler, the vocoder."""
        parts = {
            "unet": self._load(AlignedUNet, "unet"),
            "vae": self._load(MelAutoencoder, "vae"),
            "scheduler": new_sampler(),
            "aligned_encoder": self._load(AlignedEncoder, "aligned_encoder"),
            "text_encoder": self.text_encoder,
            "tokenizer": self.tokenizer,
            "semantic_adapter": self._load(Adapter, "semantic_adapter"),
            "temporal_adapter": self._load(Adapter, "temporal_adapter"),
            "vocoder": self._trained_vocoder() or GriffinLim(),
        }
        RhythmicFoleyPipeline(**parts, **SAMPLING).save_config(self.checkpoint)
        parts["scheduler"].save_pretrained(self.checkpoint / "scheduler")
        self._save(parts["vocoder"], "vocoder")

    def _autoencoder(self, schedule: Schedule, run: Path) -> None:
        autoencoder = self._fitted_autoencoder()
        encoders.train_autoencoder(autoencoder, self.scenes, schedule, run)
        self._save(autoencoder, "vae")

    def _vocoder(self, schedule: Schedule, run: Path) -> None:
        vocoder = (self._trained_vocoder() if self.go_on else None) or new_vocoder(self.size)
        train_vocoder(vocoder, Examples.load(run), self._load(MelAutoencoder, "vae").eval(), schedule, run)
        self._save(vocoder, "vocoder")

    def _trained_vocoder(self) -> FoleyVocoder | None:
        """The one in the checkpoint; None where there is Griffin-Lim, or nothing."""
        if not (self.checkpoint / "vocoder").exists():
            return None
        name = FoleyVocoder.load_config(self.checkpoint / "vocoder")["_class_name"]
        return self._load(FoleyVocoder, "vocoder") if name == FoleyVocoder.__name__ else None

    def _aligned_encoder(self, schedule: Schedule, run: Path) -> None:
        # Going on keeps the audio side as it is to the bit: the base and the adapters were trained on its tokens.
        encoder = self._load(AlignedEncoder, "aligned_encoder") if self.go_on else self._new_aligned_encoder()
        encoders.train_aligned_encoder(encoder, self._windows(encoder), schedule, run)
        self._save(encoder, "aligned_encoder")

    def _new_aligned_encoder(self) -> AlignedEncoder:
        encoder = new_aligned_encoder(self.size)
        if self.size.yamnet_channels is None:
            encoder.yamnet.load_state_dict(load_yamnet(self.yamnet).state_dict())
        encoders.fit_audio_projection(encoder, self.scenes)
        return encoder

    def _base(self, schedule: Schedule, run: Path) -> None:
        unet = self._load(AlignedUNet, "unet") if self.go_on else new_unet(self.size)
        self._quick(unet.unet)
        diffusion.train_base(unet, self._frozen(), schedule, run)
        self._save(unet, "unet")

    def _semantic(self, schedule: Schedule, run: Path) -> None:
        unet, adapter = self._unet_and("semantic_adapter", new_semantic_adapter)
        diffusion.train_semantic(adapter, unet, self._frozen(), self._words, schedule, run)
        self._save(adapter, "semantic_adapter")

    def _temporal(self, schedule: Schedule, run: Path) -> None:
        unet, adapter = self._unet_and("temporal_adapter", new_temporal_adapter)
        diffusion.train_temporal(adapter, unet, self._frozen(), schedule, run)
        self._save(adapter, "temporal_adapter")

    def _unet_and(self, name: str, new: Callable[[Size, AlignedUNet], Adapter]) -> tuple[AlignedUNet, Adapter]:
        """The base, and an adapter for it."""
        unet = self._load(AlignedUNet, "unet").to(PartialState().device)
        adapter = self._load(Adapter, name) if self.go_on else new(self.size, unet)
        self._quick(unet.unet)
        self._quick(adapter.controlnet)
        return unet, adapter

    def _quick(self, network: UNet2DConditionModel | ControlNetModel) -> None:
        """Brings a network into the shape that trains fastest on a CPU."""
        network.to(memory_format=torch.channels_last)
        # The fused attention's backward pass is slow on CPUs for the odd head sizes of a small network.
        network.set_attn_processor(AttnProcessor())
        if self.compiled:
            network.compile()

    def _words(self, texts: list[str]) -> torch.Tensor:
        """Token states (B, L, text), zeros for no text, as the pipeline gives them."""
        hidden, _ = embed_tokens(texts, self.tokenizer, self.text_encoder)
        return hidden * torch.tensor([bool(text) for text in texts])[:, None, None]

    @cached_property
    def scenes(self) -> SceneSet:
        return SceneSet.load(self.scenes_folder)

    @cached_property
    def tokenizer(self) -> AutoTokenizer:
        return AutoTokenizer.from_pretrained(self.checkpoint / "tokenizer")

    @cached_property
    def text_encoder(self) -> BertModel:
        encoder = BertModel.from_pretrained(
            self.checkpoint / "text_encoder", dtype=torch.float32, add_pooling_layer=False
        )
        return encoder.eval().requires_grad_(False)

    def _frozen(self) -> diffusion.Frozen:
        encoder = self._load(AlignedEncoder, "aligned_encoder").eval().requires_grad_(False)
        windows = self._windows(encoder)
        return diffusion.Frozen(encoder.to(PartialState().device), windows, new_scheduler())

    def _windows(self, encoder: AlignedEncoder) -> Windows:
        wordings = Wordings.of(self.scenes.names)
        text = embed_text(wordings.texts, self.tokenizer, self.text_encoder)
        return Windows(self.scenes, self._fitted_autoencoder(), encoder, wordings, text, text_noise=self.text_noise)

    def _fitted_autoencoder(self) -> MelAutoencoder:
        """The autoencoder so far; its encoder is fitted once and then never changes, since all latents hang on it."""
        with PartialState().main_process_first():
            if not (self.checkpoint / "vae").exists():
                autoencoder = new_autoencoder(self.size)
                error = encoders.fit_autoencoder(autoencoder, self.scenes)
                print(f"linear round trip: mean absolute error {error:.4f} on the [-1, 1] scale", flush=True)
                self._save(autoencoder, "vae")
        return self._load(MelAutoencoder, "vae")

    def _load(self, cls: type, name: str) -> torch.nn.Module:
        return cls.from_pretrained(self.checkpoint / name, dtype=torch.float32)

    def _save(self, component: ModelMixin, name: str) -> None:
        if PartialState().is_main_process:
            # Where it was loaded from is nobody's business.
            component.register_to_config(_name_or_path="")
            component.to("cpu", torch.float16).save_pretrained(self.checkpoint / name)


def new_scheduler() -> DDPMScheduler:
    """Diff-Foley's noise schedule, stretched so that its last step is noise and nothing else; predicts velocity.

    Unstretched, a latent at the last step still shows how loud it is as a whole, since its first channel is far from
    unit variance. A model learns to read that rather than what is asked for, and follows the noise at the sampler's
    first step, which has nothing else to offer (Lin et al., "Common Diffusion Noise Schedules and Sample Steps are
    Flawed").
    """
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
    )


def new_sampler() -> DPMSolverMultistepScheduler:
    """DPM-Solver++ of second order on that schedule, from the noisiest step on."""
    return DPMSolverMultistepScheduler.from_config(new_scheduler().config, timestep_spacing="trailing")
