"""A table of results: methods down, metrics across, with intervals and counts, as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
    "av_align_undefined": "pairs without AV-Align (no picture, or no peaks in it nor in the sound)",
}
_UNEQUAL = "The rows rest on different numbers of clips: Frechet distances compare only at equal numbers."


@dataclass(frozen=True)
class Column:
    """A metric: its name in files, its head (which names the network), and whether more is better."""

    key: str
    head: str
    higher_is_better: bool
    decimals: int = 3


@dataclass(frozen=True)
class Estimate:
    """A number over `samples` pairs, and its 95 % interval where there is one."""

    value: float
    low: float | None
    high: float | None
    samples: int


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        pairs: how many pairs were scored at all.
        estimates: by the key of the column; what could not be computed is not there.
        counts: by the keys of `COUNTS`, without zeros.
        clips: numbers of each pair.
    """

    method: str
    pairs: int
    estimates: Mapping[str, Estimate]
    counts: Mapping[str, int]
    clips: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Report:
    """The table, and in sentences what is not in it."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()

    def to_markdown(self) -> str:
        """The table with intervals in brackets, the counts, and the sentences."""
        heads = [f"{column.head} {'↑' if column.higher_is_better else '↓'}" for column in self.columns]
        lines = ["| method | pairs | " + " | ".join(heads) + " |", "|" + " --- |" * (len(heads) + 2)]
        for row in self.rows:
            cells = [_cell(row.estimates.get(column.key), column, row.pairs) for column in self.columns]
            lines.append(f"| {row.method} | {row.pairs} | " + " | ".join(cells) + " |")
        lines += ["", "In brackets: 95 % bootstrap interval over clips."]
        lines += [""] + counted if (counted := self._counted()) else []
        sentences = [*self.left_out, *([_UNEQUAL] if len({row.pairs for row in self.rows}) > 1 else [])]
        return "\n".join([*lines, *([""] if sentences else []), *(f"- {sentence}" for sentence in sentences)]) + "\n"

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
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def write(self, folder: str | Path, *, name: str = "report") -> tuple[Path, ...]:
        """Writes NAME.md, NAME.csv and NAME.json into the folder, which is made if need be."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        texts = {"md": self.to_markdown(), "csv": self.to_csv(), "json": self.to_json()}
        for suffix, text in texts.items():
            (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
        return tuple(folder / f"{name}.{suffix}" for suffix in texts)


def _cell(estimate: Estimate | None, column: Column, pairs: int) -> str:
    if estimate is None:
        return ""
    text = _number(estimate.value, column)
    if estimate.low is not None and estimate.high is not None:
        text += f" [{_number(estimate.low, column)}, {_number(estimate.high, column)}]"
    return text if estimate.samples == pairs else f"{text} ({estimate.samples} of {pairs} pairs)"


def _number(value: float, column: Column) -> str:
    text = f"{value:.{column.decimals}f}"
    return text if float(text) else text.removeprefix("-")  # equal sounds have an MKL of -0.0003
