"""A report cut into the paper's tables: I likeness and meaning, II timing, IV and V what each adapter is good for.

Table III is the listening test's. A summary has the columns that tell most, for all rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rhythmic_foley.evaluation.metrics.bounds import TIMING
from rhythmic_foley.evaluation.report.report import mean_estimate
from rhythmic_foley.evaluation.report.tables import Report, Row

LIKENESS = ("fd_", "mkl_", "clip_", "visqol")
_SUMMARY = ("onset_detection_acc", "onset_ap_strict", *LIKENESS, "desync")


@dataclass(frozen=True)
class PaperTable:
    """One table.

    Attributes:
        number: as in the paper.
        title: what it shows.
        report: its rows and columns.
    """

    number: str
    title: str
    report: Report

    def to_markdown(self) -> str:
        return f"## Table {self.number}: {self.title}\n\n{self.report.to_markdown()}"

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Writes table_NUMBER.md, .csv and .json into the folder, which is made if need be."""
        return self.report.write(folder, name=f"table_{self.number}")


def paper_tables(
    report: Report,
    *,
    full: str,
    semantic: Sequence[str] = (),
    temporal: Sequence[str] = (),
    hits: Collection[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[PaperTable, ...]:
    """Tables I, II, IV and V as far as the report's rows go.

    Args:
        report: of `compare_folders`, with the bounds.
        full: the row of the whole method.
        semantic: rows of the ablations of description and events, for table IV.
        temporal: rows of the ablations of the onsets, for table V.
        hits: clips whose sounds are single hits: timing means little for others, so tables II and V rest on these
            alone; None for all clips.
        resamples, seed: of the bootstrap intervals where `hits` are given.
    """
    ablations = {*semantic, *temporal}
    methods = [row.method for row in report.rows if row.method not in ablations]
    bounds = [row.method for row in report.rows if row.kind != "method"]
    timing = report if hits is None else _on_hits(report, hits, resamples, seed)
    tables = [
        PaperTable("I", "likeness and meaning", _cut(report, methods, LIKENESS)),
        PaperTable("II", "timing", _cut(timing, methods, TIMING)),
        PaperTable("IV", "without parts of the semantic adapter", _cut(report, [*semantic, full, *bounds], LIKENESS)),
        PaperTable("V", "without the temporal adapter", _cut(timing, [*temporal, full, *bounds], TIMING)),
    ]
    present = {"I": True, "II": True, "IV": bool(semantic), "V": bool(temporal)}
    return tuple(table for table in tables if present[table.number] and table.report.columns)


def summary(report: Report, hits: Collection[str] | None = None, *, resamples: int = 1000, seed: int = 0) -> Report:
    """All rows in few columns: timing on the clips with single hits, likeness on all; arguments as `paper_tables`."""
    timing = report if hits is None else _on_hits(report, hits, resamples, seed)
    columns = tuple(replace(column, decimals=2) for column in report.columns if column.key.startswith(_SUMMARY))
    rows = []
    for row, timed in zip(report.rows, timing.rows, strict=True):
        estimates = {
            column.key: found
            for column in columns
            if (found := (timed if column.key.startswith(TIMING) else row).estimates.get(column.key))
        }
        rows.append(replace(row, estimates=estimates, counts={}))
    return replace(timing, columns=columns, rows=tuple(rows))


def _cut(report: Report, methods: Sequence[str], keys: Sequence[str]) -> Report:
    """These rows, in the report's order, and the columns of these kinds; of the floors only those that are theirs."""
    columns = tuple(column for column in report.columns if column.key.startswith(tuple(keys)))
    kept = {column.key for column in columns}
    floors = {floor for column in columns for floor in column.floors}
    rows = tuple(
        replace(row, estimates={key: value for key, value in row.estimates.items() if key in kept})
        for row in report.rows
        if row.method in methods and (row.kind != "floor" or row.method in floors)
    )
    return replace(report, columns=columns, rows=rows)


def _on_hits(report: Report, hits: Collection[str], resamples: int, seed: int) -> Report:
    rows = tuple(_row_on_hits(row, hits, resamples, seed) for row in report.rows)
    names = ", ".join(sorted({clip["clip"] for row in rows for clip in row.clips if _scored(row, clip)}))
    return replace(report, rows=rows, left_out=(*report.left_out, f"Only clips whose sound is single hits: {names}."))


def _row_on_hits(row: Row, hits: Collection[str], resamples: int, seed: int) -> Row:
    clips = tuple(clip for clip in row.clips if clip["clip"] in hits)
    estimates: Mapping = {
        key: mean_estimate(
            [clip[key] for clip in having], [clip["clip"] for clip in having], resamples=resamples, seed=seed
        )
        for key in row.estimates
        if (having := [clip for clip in clips if key in clip])
    }
    scored = sum(_scored(row, clip) for clip in clips)
    return replace(row, pairs=scored, estimates=estimates, clips=clips, counts={})


def _scored(row: Row, clip: Mapping[str, Any]) -> bool:
    return any(key in clip for key in row.estimates)
