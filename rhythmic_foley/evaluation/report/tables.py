"""A table of results: methods down, metrics across, with intervals and counts, as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

# What a row counts, and how the table says it.
COUNTS = {
    "missing": "real clips without a generated one",
    "unmatched": "generated files without a real clip",
    "doubled": "clips with several files of one kind (the first was taken)",
    "generated_unreadable": "generated files that cannot be read",
    "generated_without_sound": "generated videos without a sound track",
    "real_unreadable": "real files that cannot be read",
    "real_without_sound": "real videos without a sound track",
    "too_short": "pairs too short to compare",
    "generated_silent": "silent generated sounds (ViSQOL 1, kept in all columns)",
    "real_silent": "silent real sounds",
    "length_differs": "pairs of different length (cut to the shorter)",
    "rate_differs": "pairs of different sampling rate (resampled)",
    "no_real_onset": "pairs without an onset in the real sound (not in the onset columns)",
    "visqol_undefined": "pairs without a ViSQOL score",
    "clip_undefined": "pairs without CLIP similarity (no picture)",
    "av_align_undefined": "pairs without AV-Align (no picture, or no peaks in it nor in the sound)",
    "desync_undefined": "pairs without DeSync (no picture, or less than 4.8 s in common)",
}
UNSEEN = "In parentheses: a floor that the column is not made to see."
AHEAD = "Above 0 is better than the floor; an interval that holds 0 is within chance."
_ELSEWHERE = "Not held against the floors, as they rest on other clips"
_UNEQUAL = "The rows rest on different numbers of clips: Frechet distances compare only at equal numbers."


@dataclass(frozen=True)
class Column:
    """A metric: its name in files, its head (which names the network), and whether more is better.

    Attributes:
        floors: rows that are the bottom of its scale.
    """

    key: str
    head: str
    higher_is_better: bool
    decimals: int = 3
    floors: tuple[str, ...] = ()

    @property
    def sign(self) -> int:
        return 1 if self.higher_is_better else -1


@dataclass(frozen=True)
class Draws:
    """Numbers of the bootstrap's resamples: two rows' compare one by one if they rest on the same clips."""

    clips: tuple[str, ...]
    values: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A number over `samples` pairs, and its 95 % interval where there is one."""

    value: float
    low: float | None
    high: float | None
    samples: int
    draws: Draws | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        pairs: how many pairs were scored at all.
        estimates: by the key of the column; what could not be computed is not there.
        counts: by the keys of `COUNTS`, without zeros.
        clips: numbers of each pair.
        kind: "floor" is no method, but the bottom of the scale of those columns that name it.
    """

    method: str
    pairs: int
    estimates: Mapping[str, Estimate]
    counts: Mapping[str, int]
    clips: tuple[Mapping[str, Any], ...] = ()
    kind: Literal["method", "ceiling", "floor"] = "method"

    def says(self, column: Column) -> bool:
        """Whether the column's number means something for this row."""
        return self.kind != "floor" or self.method in column.floors


def as_json(report: Any) -> str:
    """A dataclass that holds rows, but for the draws behind their intervals."""
    told = asdict(report, dict_factory=lambda items: {key: value for key, value in items if key != "draws"})
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Report:
    """The table, and in sentences what is not in it."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()

    def to_markdown(self) -> str:
        """The table with intervals in brackets, what is above the floors, the counts, and the sentences."""
        lines = [*self._table(), "", "In brackets: 95 % bootstrap interval over clips."]
        if any(not row.says(column) for row in self.rows for column in self.columns if column.key in row.estimates):
            lines[-1] += f" {UNSEEN}"
        if (ahead := self.advantages()).rows:
            others = [row.method for row in self.rows if row.kind == "method"]
            others = [method for method in others if method not in [row.method for row in ahead.rows]]
            lines += ["", *ahead._table(), "", AHEAD + (f" {_ELSEWHERE}: {', '.join(others)}." if others else "")]
        lines += [""] + counted if (counted := self._counted()) else []
        unequal = [_UNEQUAL] if len({row.pairs for row in self.rows}) > 1 else []
        sentences = [*self.blind_spots(), *self.left_out, *unequal]
        return "\n".join([*lines, *([""] if sentences else []), *(f"- {sentence}" for sentence in sentences)]) + "\n"

    def hardest_floor(self, column: Column) -> Row | None:
        """The best of the column's floors."""
        floors = [row for row in self.rows if row.method in column.floors and column.key in row.estimates]
        return max(floors, key=lambda row: column.sign * row.estimates[column.key].value, default=None)

    def advantages(self) -> Report:
        """How much better each row is than the hardest floor of each column, as far as both rest on the same clips."""
        floors = {column.key: floor for column in self.columns if (floor := self.hardest_floor(column))}
        rows = []
        for row in self.rows:
            estimates = {
                column.key: ahead
                for column in self.columns
                if column.key in floors
                and column.key in row.estimates
                and (ahead := _advantage(row, floors[column.key], column)) is not None
            }
            if row.kind != "floor" and estimates:
                rows.append(Row(row.method, row.pairs, estimates, {}, kind=row.kind))
        columns = [
            Column(column.key, f"{column.head}: better than {floors[column.key].method}", True, column.decimals)
            for column in self.columns
            if any(column.key in row.estimates for row in rows)
        ]
        return Report(tuple(columns), tuple(rows))

    def blind_spots(self) -> list[str]:
        """A sentence for each column that does not put the real sounds themselves above its floor."""
        ahead = self.advantages()
        ceiling = next((row.estimates for row in ahead.rows if row.kind == "ceiling"), {})
        return [
            f"{column.head} does not tell the original sound from {floor.method}: it says nothing of the methods here."
            for column in self.columns
            if column.key in ceiling and ceiling[column.key].low <= 0 and (floor := self.hardest_floor(column))
        ]

    def _table(self) -> list[str]:
        usual = {column.key: self._usual_samples(column) for column in self.columns}
        heads = [
            column.head
            + (f", {_pairs(usual[column.key])}" if usual[column.key] else "")
            + (" ↑" if column.higher_is_better else " ↓")
            for column in self.columns
        ]
        lines = ["| method | pairs | " + " | ".join(heads) + " |", "|" + " --- |" * (len(heads) + 2)]
        for row in self.rows:
            cells = [_cell(row, column, usual[column.key] or row.pairs) for column in self.columns]
            lines.append(f"| {row.method} | {row.pairs} | " + " | ".join(cells) + " |")
        return lines

    def _usual_samples(self, column: Column) -> int | None:
        """How many pairs all rows of a column rest on, if it is one number that the rows do not say themselves."""
        having = [row for row in self.rows if column.key in row.estimates]
        counts = {row.estimates[column.key].samples for row in having}
        return counts.pop() if len(counts) == 1 and {row.pairs for row in having} != counts else None

    def _counted(self) -> list[str]:
        """A second table: what was met, and in which rows how often."""
        names = [name for name in COUNTS if any(name in row.counts for row in self.rows)]
        if not names:
            return []
        lines = [
            "| counted | " + " | ".join(row.method for row in self.rows) + " |",
            "|" + " --- |" * (len(self.rows) + 1),
        ]
        for name in names:
            cells = " | ".join(str(row.counts.get(name, 0)) for row in self.rows)
            lines.append(f"| {COUNTS[name]} | {cells} |")
        return lines

    def to_csv(self) -> str:
        """A line for each method: number, interval and samples of each metric, then the counts."""
        fields = ["method", "pairs"]
        for column in self.columns:
            fields += [column.key, f"{column.key}_low", f"{column.key}_high", f"{column.key}_samples"]
        out = io.StringIO()
        writer = csv.DictWriter(out, [*fields, *COUNTS], restval="", lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            line: dict[str, Any] = {"method": row.method, "pairs": row.pairs}
            for key, estimate in row.estimates.items():
                line[key], line[f"{key}_samples"] = estimate.value, estimate.samples
                line[f"{key}_low"], line[f"{key}_high"] = estimate.low, estimate.high
            writer.writerow(line | {name: row.counts.get(name, 0) for name in COUNTS})
        return out.getvalue()

    def to_json(self) -> str:
        """Everything, with the numbers of each pair."""
        return as_json(self)

    def write(self, folder: str | Path, *, name: str = "report") -> tuple[Path, ...]:
        """Writes NAME.md, NAME.csv and NAME.json into the folder, which is made if need be."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        texts = {"md": self.to_markdown(), "csv": self.to_csv(), "json": self.to_json()}
        for suffix, text in texts.items():
            (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
        return tuple(folder / f"{name}.{suffix}" for suffix in texts)


def _cell(row: Row, column: Column, expected: int) -> str:
    estimate = row.estimates.get(column.key)
    if estimate is None:
        return ""
    if not row.says(column):
        return f"({_number(estimate.value, column)})"
    text = _with_interval(estimate, column)
    return text if estimate.samples == expected else f"{text} ({estimate.samples} of {_pairs(row.pairs)})"


def _pairs(count: int) -> str:
    return f"{count} pair{'' if count == 1 else 's'}"


def _with_interval(estimate: Estimate, column: Column) -> str:
    text = _number(estimate.value, column)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{_number(estimate.low, column)}, {_number(estimate.high, column)}]"


def _advantage(row: Row, floor: Row, column: Column) -> Estimate | None:
    own, other = row.estimates[column.key], floor.estimates[column.key]
    if own.draws is None or other.draws is None or own.draws.clips != other.draws.clips:
        return None
    value = column.sign * (own.value - other.value)
    low, high = np.quantile(column.sign * (own.draws.values - other.draws.values), (0.025, 0.975))
    return Estimate(value, float(low), float(high), own.samples)


def _number(value: float, column: Column) -> str:
    text = f"{value:.{column.decimals}f}"
    return text if float(text) else text.removeprefix("-")  # equal sounds have an MKL of -0.0003
