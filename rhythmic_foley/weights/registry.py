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
    """

    name: str
    repository: str
    licence: str
    files: tuple[WeightFile, ...]

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
