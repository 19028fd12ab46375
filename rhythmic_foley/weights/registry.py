"""Which published weights there are, where they lie and what their licence is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WeightFile:
    """One file of a repository on the Hugging Face hub.

    Attributes:
        role: the option of `convert` that takes it.
        path: inside the repository.
        about: what it holds, in a few words.
        size_bytes: about how large it is; the hub says it exactly.
        sha256: digest of the file, None while nobody has checked one.
        optional: the model also works without it.
    """

    role: str
    path: str
    about: str
    size_bytes: int
    sha256: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class WeightSet:
    """The files one model is made from.

    Attributes:
        name: of the model on the command line.
        repository: on the Hugging Face hub.
        licence: what is known about the licence of the weights.
        endings: of the files that make up the repository where it is used as it is published: all that the hub lists
            are taken then, and `files` stand in for them where it cannot be asked.
        otherwise: what a person who has the files does with them.
    """

    name: str
    repository: str
    licence: str
    files: tuple[WeightFile, ...]
    endings: tuple[str, ...] = ()
    otherwise: str = "use the command convert on files you have"

    @property
    def page(self) -> str:
        return f"https://huggingface.co/{self.repository}"

    def file(self, role: str) -> WeightFile:
        return next(file for file in self.files if file.role == role)


DIFF_FOLEY = WeightSet(
    name="diff-foley",
    repository="SimianLuo/Diff-Foley",
    licence="The code of Diff-Foley is Apache-2.0. The weights are under the licence that their page states; read it "
    "before you use them or what they make.",
    files=(
        WeightFile("cavp", "diff_foley_ckpt/cavp_epoch66.ckpt", "audio-visual encoders", 454_000_000),
        WeightFile("ldm", "diff_foley_ckpt/ldm_epoch240.ckpt", "latent diffusion model", 3_775_000_000),
        WeightFile(
            "classifier",
            "diff_foley_ckpt/double_guidance_classifier.ckpt",
            "alignment classifier for double guidance",
            47_000_000,
            optional=True,
        ),
    ),
)

MINI_GEMINI = WeightSet(
    name="mini-gemini",
    repository="YanweiLi/MGM-2B",
    licence="The weights of Mini-Gemini are CC BY-NC 4.0, for research and not for commercial use; for its language "
    "model the Gemma terms of use apply too. Read both before you use them or what they say.",
    files=(
        WeightFile("model-00001-of-00002.safetensors", "model-00001-of-00002.safetensors", "weights", 4_945_000_000),
        WeightFile("model-00002-of-00002.safetensors", "model-00002-of-00002.safetensors", "weights", 2_142_000_000),
        WeightFile("model.safetensors.index.json", "model.safetensors.index.json", "where each weight is", 99_000),
        WeightFile("tokenizer.json", "tokenizer.json", "tokenizer", 17_500_000),
        WeightFile("tokenizer_config.json", "tokenizer_config.json", "its settings", 2_000),
        WeightFile("special_tokens_map.json", "special_tokens_map.json", "its special words", 1_000, optional=True),
        WeightFile("generation_config.json", "generation_config.json", "how it stops", 1_000, optional=True),
        WeightFile("config.json", "config.json", "configuration", 2_000),
    ),
    endings=(".safetensors", ".bin", ".json", ".model"),
    otherwise="name a folder that you have with --describer",
)
