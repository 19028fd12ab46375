"""Folders of generated sounds against real ones: a table with a row for each method, as Markdown, CSV and JSON.

Nothing is filled in: a column whose network or package is missing is left out with a sentence, and every clip that a
number does not rest on is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.metrics.bounds import FLOORS, ORIGINAL, ceiling_pairing, floor_pairings
from rhythmic_foley.evaluation.metrics.distances import frechet_distance
from rhythmic_foley.evaluation.report.folders import Pairing, find_clips, pair_clips
from rhythmic_foley.evaluation.report.scoring import PairScores, Scorer, Tools
from rhythmic_foley.evaluation.report.tables import COUNTS, Draws, Estimate, Report, Row

_FRECHET_RESAMPLES = 200


def compare_folders(
    real: str | Path,
    generated: Mapping[str, str | Path],
    tools: Tools,
    *,
    bounds: bool = False,
    resamples: int = 1000,
    seed: int = 0,
    left_out: Sequence[str] = (),
    progress: Callable[[str], None] = lambda line: None,
) -> Report:
    """Scores the sounds of each method against the real ones of the same stem.

    Args:
        real: folder of the real clips (wav, flac or mp4); AV-Align looks at their pictures.
        generated: folder of each method's clips by the name of its row.
        bounds: also a row for the real sounds themselves, and the floors of `bounds`.
        resamples: for the 95 % bootstrap intervals over clips; 0 for none.
        left_out: sentences about columns that could not be had.

    Raises:
        FoleyError: if a folder is missing or empty, or a method shares no clip with the real ones.
    """
    originals = find_clips(real)
    if bounds and (taken := generated.keys() & {ORIGINAL, *FLOORS}):
        raise FoleyError(f"No method can be called {min(taken)}; name its row with NAME=DIR.")
    pairings: dict[str, Pairing] = {ORIGINAL: ceiling_pairing(originals)} if bounds else {}
    for method, folder in generated.items():
        pairings[method] = pair_clips(originals, find_clips(folder))
        if not pairings[method].pairs:
            raise FoleyError(f"No file in {folder} has the name of a file in {Path(real)}; clips are paired by name.")
    pairings |= floor_pairings(originals) if bounds else {}
    scorer, columns, rows = Scorer(tools), tools.columns(), []
    for method, pairing in pairings.items():
        scores = []
        for number, pair in enumerate(pairing.pairs, 1):
            progress(f"{method}: {number} of {len(pairing.pairs)}, {pair.name}")
            scores.append(scorer.score(pair))
        rows.append(_row(method, pairing, scores, tools, resamples, seed))
    found = [column for column in columns if any(column.key in row.estimates for row in rows)]
    sentences = [f"{column.head} is left out: no pair allows it." for column in columns if column not in found]
    return Report(tuple(found), tuple(rows), (*left_out, *sentences))


def _row(method: str, pairing: Pairing, scores: Sequence[PairScores], tools: Tools, resamples: int, seed: int) -> Row:
    scored = [score for score in scores if score.values or score.outputs]
    counts = Counter(name for score in scores for name in score.counted)
    counts.update(missing=len(pairing.missing), unmatched=len(pairing.unmatched))
    estimates: dict[str, Estimate] = {}
    for column in tools.columns():
        having = [score for score in scored if column.key in score.values]
        if having:
            values = [score.values[column.key] for score in having]
            clips = [score.pair.clip for score in having]
            estimates[column.key] = mean_estimate(values, clips, resamples=resamples, seed=seed)
    for number, network in enumerate(tools.networks):
        pairs = [(score.pair.clip, *(side.features for side in score.outputs[number])) for score in scored]
        if len({clip for clip, _, _ in pairs}) > 1:
            resampled = min(resamples, _FRECHET_RESAMPLES)
            estimates[f"fd_{network.key}"] = frechet_estimate(pairs, resamples=resampled, seed=seed)
    clips = [
        {"clip": s.pair.clip, "name": s.pair.name, "seconds": round(s.seconds, 3), **s.values, "counted": s.counted}
        for s in scores
    ]
    met = {name: counts[name] for name in COUNTS if counts[name]}
    kind = "ceiling" if method == ORIGINAL else "floor" if method in FLOORS else "method"
    return Row(method, len(scored), estimates, met, tuple(clips), kind)


def mean_estimate(values: Sequence[float], clips: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Estimate:
    """Mean over all values, with a 95 % percentile bootstrap that draws clips, each with all its samples.

    Args:
        values: one for each sample.
        clips: which clip each belongs to.
    """
    numbers = np.asarray(values, dtype=np.float64)
    names, members = np.unique(np.asarray(clips), return_inverse=True)
    sums, sizes = np.bincount(members, numbers), np.bincount(members)
    mean = float(numbers.mean())
    if len(sums) < 2 or not resamples:
        return Estimate(mean, None, None, len(numbers))
    drawn = np.random.default_rng(seed).integers(len(sums), size=(resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(mean, float(low), float(high), len(numbers), Draws(tuple(names.tolist()), means))


def frechet_estimate(
    pairs: Sequence[tuple[str, np.ndarray, np.ndarray]], *, resamples: int = _FRECHET_RESAMPLES, seed: int = 0
) -> Estimate:
    """Frechet distance with a 95 % bootstrap interval over clips.

    Clips drawn twice make the distance of a resample larger than that of the sample, so the spread of the resamples is
    laid around the sample's own distance.

    Args:
        pairs: for each sample its clip, the real sound's features (D,) and the generated sound's; two clips at least.
    """
    real = {clip: features for clip, features, _ in pairs}
    generated: dict[str, list[np.ndarray]] = {}
    for clip, _, features in pairs:
        generated.setdefault(clip, []).append(features)

    def distance(clips: Sequence[str]) -> float:
        return frechet_distance(
            np.stack([real[clip] for clip in clips]),
            np.stack([features for clip in clips for features in generated[clip]]),
        )

    clips = list(real)
    value = max(0.0, distance(clips))
    if not resamples:
        return Estimate(value, None, None, len(pairs))
    drawn = np.random.default_rng(seed).integers(len(clips), size=(resamples, len(clips)))
    spread = np.array([distance([clips[i] for i in draw]) for draw in drawn])
    spread += value - spread.mean()
    low, high = np.quantile(spread, (0.025, 0.975))
    return Estimate(value, max(0.0, float(low)), float(high), len(pairs), Draws(tuple(clips), spread))
