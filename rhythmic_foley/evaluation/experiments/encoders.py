"""The autoencoder and the aligned encoder on scenes made of sounds they were never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional as F

from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.aligned_encoder import event_timeline
from rhythmic_foley.models.text_encoder import embed_text
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.training.prepare import TOKEN_S, SceneSet
from rhythmic_foley.training.wordings import kept_wording


@dataclass(frozen=True)
class EncoderReport:
    """Held-out figures.

    Attributes:
        mel_error: mean absolute error of the autoencoder's round trip on the [-1, 1] scale.
        linear_error: the same for the PCA it started from.
        recall_at_1, recall_at_10: share of scenes whose described events find their own sound first, or among ten.
        picture_recall_at_1, picture_recall_at_10: the same with each event called by the nearest of the names that the
            embedded describer can give a picture.
        scenes: how many scenes there were to choose from; chance is 1 and 10 in that many.
    """

    mel_error: float
    linear_error: float
    recall_at_1: float
    recall_at_10: float
    picture_recall_at_1: float
    picture_recall_at_10: float
    scenes: int


@dataclass(frozen=True)
class WordingReport:
    """Training scenes, called by the captions trained on, and by wordings of them that never were.

    Attributes:
        captions: R@1 and R@10 by the captions.
        kept: R@1 and R@10 by the wordings kept for evaluation.
        scenes: how many scenes there were to choose from.
    """

    captions: tuple[float, float]
    kept: tuple[float, float]
    scenes: int


@torch.no_grad()
def evaluate_encoders(pipeline: RhythmicFoleyPipeline, scenes: SceneSet) -> EncoderReport:
    """Measures both on prepared held-out scenes."""
    mels = torch.from_numpy(scenes.mels[:100]).float()[:, None] / 255
    vae = pipeline.vae
    mel_error = np.mean([2 * float((vae(m) - m).abs().mean()) for m in mels.split(10)])
    linear_error = np.mean([2 * float((vae.linear_decoder(vae.encoder(m)) - m).abs().mean()) for m in mels.split(10)])
    text = embed_text(scenes.names, pipeline.tokenizer, pipeline.text_encoder)
    labels = embed_text(SoundTable.load().labels, pipeline.tokenizer, pipeline.text_encoder)
    as_pictures = labels[(F.normalize(text, dim=-1) @ F.normalize(labels, dim=-1).T).argmax(dim=1)]
    audio = _audio_tokens(pipeline, scenes)
    told = _recall(_event_tokens(pipeline, scenes, text) @ audio.T)
    seen = _recall(_event_tokens(pipeline, scenes, as_pictures) @ audio.T)
    return EncoderReport(float(mel_error), float(linear_error), *told, *seen, len(audio))


@torch.no_grad()
def evaluate_wordings(pipeline: RhythmicFoleyPipeline, scenes: SceneSet) -> WordingReport:
    """Measures on those scenes whose events all have a wording that is kept for evaluation."""
    kept = [kept_wording(name) for name in scenes.names]
    known = np.array([wording is not None for wording in kept] + [True])  # index -1: no event
    rows = known[scenes.captions].all(axis=1)
    if not rows.any():
        raise FoleyError("None of these scenes has captions with a wording that is kept for evaluation.")
    scenes = replace(
        scenes, embeddings=scenes.embeddings[rows], captions=scenes.captions[rows], spans_s=scenes.spans_s[rows]
    )
    audio = _audio_tokens(pipeline, scenes)

    def recall(texts: Sequence[str]) -> tuple[float, float]:
        text = embed_text(texts, pipeline.tokenizer, pipeline.text_encoder)
        return _recall(_event_tokens(pipeline, scenes, text) @ audio.T)

    return WordingReport(recall(scenes.names), recall([wording or "" for wording in kept]), len(audio))


def _recall(similarity: torch.Tensor) -> tuple[float, float]:
    """Of a square matrix, the share of rows whose diagonal is the largest, or among the ten largest."""
    rank = (similarity > similarity.diagonal()[:, None]).sum(dim=1)
    return float((rank < 1).float().mean()), float((rank < 10).float().mean())


def _event_tokens(pipeline: RhythmicFoleyPipeline, scenes: SceneSet, text: torch.Tensor) -> torch.Tensor:
    """Mean event token of each scene, of unit length; `text` is (captions, D), in the order of `scenes.names`."""
    text = torch.cat([text, torch.zeros(1, text.shape[1])])  # index -1: no event
    tokens = scenes.embeddings.shape[1]
    spans_s = torch.from_numpy(scenes.spans_s)
    timeline = event_timeline(text[torch.from_numpy(scenes.captions).long()], spans_s, tokens, tokens * TOKEN_S)
    return F.normalize(pipeline.aligned_encoder.encode_events(timeline).mean(dim=1), dim=-1)


def _audio_tokens(pipeline: RhythmicFoleyPipeline, scenes: SceneSet) -> torch.Tensor:
    embeddings = torch.from_numpy(scenes.embeddings).float()
    return F.normalize(pipeline.aligned_encoder.project_audio(embeddings).mean(dim=1), dim=-1)


def print_encoders(report: EncoderReport) -> str:
    """The report as a Markdown table."""
    n = report.scenes
    return "\n".join(
        (
            "| held-out scenes | value |",
            "|---|---:|",
            f"| autoencoder, mean absolute mel error on [-1, 1] | {report.mel_error:.4f} |",
            f"| the PCA it started from | {report.linear_error:.4f} |",
            f"| described events find their sound among {n}, R@1 | {report.recall_at_1:.3f} (chance {1 / n:.3f}) |",
            f"| R@10 | {report.recall_at_10:.3f} (chance {10 / n:.3f}) |",
            f"| the same, called by the nearest name for a picture, R@1 | {report.picture_recall_at_1:.3f} |",
            f"| R@10 | {report.picture_recall_at_10:.3f} |",
        )
    )


def print_wordings(report: WordingReport) -> str:
    """The report as a Markdown table."""
    n = report.scenes
    return "\n".join(
        (
            "| training scenes | value |",
            "|---|---:|",
            f"| captions find their sound among {n}, R@1 | {report.captions[0]:.3f} (chance {1 / n:.3f}) |",
            f"| R@10 | {report.captions[1]:.3f} (chance {10 / n:.3f}) |",
            f"| wordings of them that were never trained on, R@1 | {report.kept[0]:.3f} |",
            f"| R@10 | {report.kept[1]:.3f} |",
        )
    )
