"""From what a picture network sees in a clip to how likely each sound of the vocabulary is.

A log-linear model (multinomial logistic regression). What the table of sounding things says about the picture
network's classes enters as a prior; a low-rank map of the network's features corrects it. With a few hundred labelled
clips the correction must stay small, so the answer is a mixture with the prior alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from rhythmic_foley.models.stored import StoredNetwork

# What is added to the two masses before their logarithm: less than this says nothing.
MASS_FLOORS = (1e-3, 3e-4)
# Share of the prior in the answer; how much the soft masses count in it; what no sound gets where nothing is seen.
PRIOR_SHARE, SOFT_SHARE, NO_SOUND = 0.3, 0.3, 0.02
# Labels of a cosine similarity above this mean nearly the same; so much of the weight is taken off the second one.
ALIKE, TAKEN_OFF = 0.5, 0.9


class SoundHead(StoredNetwork):
    """Ranks sounds.

    Args:
        labels: the sounds, in the vocabulary's order.
        n_features: length of the picture network's feature vector.
        rank: of the map from features to sounds.
        sure: least confidence at which a sound is filled in unasked.
        calibration: (offset, slope) from the log odds of a probability to those of being right (Platt 1999).
    """

    def __init__(
        self,
        labels: Sequence[str] = (),
        n_features: int = 1280,
        rank: int = 64,
        sure: float = 0.5,
        calibration: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        super().__init__(labels=labels, n_features=n_features, rank=rank, sure=sure, calibration=calibration)
        self.mean = nn.Parameter(torch.zeros(n_features))
        self.projection = nn.Parameter(torch.zeros(n_features, rank))
        self.weight = nn.Parameter(torch.zeros(rank, len(labels)))
        self.bias = nn.Parameter(torch.zeros(len(labels)))
        self.prior_weight = nn.Parameter(torch.tensor([0.6, 0.3]))
        self.likeness = nn.Parameter(torch.eye(len(labels)), requires_grad=False)

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Mean features of a clip (B, n_features), at least 0 -> (B, rank)."""
        return (features.clamp(min=0).sqrt() - self.mean) @ self.projection

    def logits(self, features: torch.Tensor, masses: torch.Tensor) -> torch.Tensor:
        """Features (B, n_features) and masses (B, 2, labels) -> logits (B, labels)."""
        logs = torch.log(masses + masses.new_tensor(MASS_FLOORS)[:, None])
        prior = (self.prior_weight[:, None] * logs).sum(dim=1)
        return prior + self.bias + self.project(features) @ self.weight

    def forward(self, features: torch.Tensor, masses: torch.Tensor) -> torch.Tensor:
        """How likely each sound is.

        Args:
            features: (B, n_features), of the picture network, mean over frames and views.
            masses: (B, 2, labels), what the table of sounding things gives each sound, from sharp and from soft class
                probabilities, mean over frames.

        Returns:
            (B, labels); rows sum to 1 or less.
        """
        seen = masses[:, 0] + SOFT_SHARE * masses[:, 1]
        prior = seen / (seen.sum(dim=1, keepdim=True) + NO_SOUND)
        return (1 - PRIOR_SHARE) * self.logits(features, masses).softmax(dim=1) + PRIOR_SHARE * prior

    def confidence(self, probabilities: torch.Tensor) -> torch.Tensor:
        """How often a sound of this probability is right, 0 to 1; any shape."""
        offset, slope = self.config.calibration
        odds = torch.logit(probabilities.clamp(1e-6, 1 - 1e-6))
        return torch.sigmoid(offset + slope * odds)

    def varied(self, probabilities: torch.Tensor, count: int) -> list[int]:
        """The first `count` sounds, each likely and unlike those before it (maximal marginal relevance, Carbonell &
        Goldstein 1998): five wordings of one thing would help nobody.

        Args:
            probabilities: (labels,).
        """
        left, chosen = probabilities.clone(), []
        for _ in range(min(count, len(left))):
            best = int(left.argmax())
            chosen.append(best)
            left *= 1 - TAKEN_OFF * ((self.likeness[best] - ALIKE) / (1 - ALIKE)).clamp(0, 1)
            left[best] = -1.0
        return chosen
