"""Markers, captions and project files, read by other programs."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

import av
import mido
import opentimelineio
import pytest
import rpp
import srt
import timecode as other
import webvtt
from export.made_takes import ONSETS, made_take

from rhythmic_foley.cli import read_onsets
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.captions import captions_of
from rhythmic_foley.export.cutting_room import Export, ExportRequest, export_take
from rhythmic_foley.export.onset_files import read_onset_file
from rhythmic_foley.export.spotting import spotting_of
from rhythmic_foley.export.timeline import write_by_adapter
from rhythmic_foley.media.reading import probe, read_audio
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Take

SHOWN = [
    (0.2, 0.8, "[hammer strikes anvil]"),
    (0.8, 1.0, "[hammer strikes anvil]\n[rain & wind <soft>]"),
    (1.0, 2.0, "[rain & wind <soft>]"),
]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    return made_take(tmp_path_factory.mktemp("made"))


def export(take: Take, tmp_path: Path, *formats: str, **more: object) -> Export:
    return export_take(take, ExportRequest(formats, **more), tmp_path / "out")


def test_captions_are_read_by_other_programs(take: Take, tmp_path: Path) -> None:
    done = export(take, tmp_path, "srt", "vtt")
    theirs = list(srt.parse(done.files["srt"].read_text(encoding="utf-8")))
    assert [(c.start.total_seconds(), c.end.total_seconds(), c.content) for c in theirs] == SHOWN
    cues = webvtt.read(str(done.files["vtt"]))
    clock = [("00:00:00.200", "00:00:00.800"), ("00:00:00.800", "00:00:01.000"), ("00:00:01.000", "00:00:02.000")]
    assert [(c.start, c.end) for c in cues] == clock
    assert [c.text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">") for c in cues] == [
        text for *_, text in SHOWN
    ]


def test_captions_can_be_a_track_of_the_video(take: Take, tmp_path: Path) -> None:
    path = export(take, tmp_path, "captioned").files["captioned"]
    with av.open(str(path)) as film:
        (track,) = film.streams.subtitles
        shown = [
            (packet.pts / 1000, (packet.pts + packet.duration) / 1000, bytes(packet)[2:].decode())
            for packet in film.demux(track)
            if packet.size > 2
        ]
    assert shown == SHOWN
    assert probe(path).frames == probe(take.video).frames
    assert len(read_audio(path, 16_000)) == pytest.approx(32_000, abs=50)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_nothing_named_gives_no_captions(take: Take, tmp_path: Path) -> None:
    assert captions_of(replace(spotting_of(take), events=())) == ()
    nameless = made_take(tmp_path, events=())
    with pytest.raises(FoleyError, match="no captions"):
        export(nameless, tmp_path, "captioned")
    assert export(nameless, tmp_path, "vtt").files["vtt"].read_text() == "WEBVTT\n\n"


def test_a_cue_sheet_counts_drop_frame(tmp_path: Path) -> None:
    late = made_take(tmp_path, fps=29.97, timecode="01:00:00;00", starts_s=0.0)
    done = export(late, tmp_path, "cues", timecode="00:00:59;20")
    rows = list(csv.DictReader(done.files["cues"].read_text(encoding="utf-8").splitlines()))
    assert [row["kind"] for row in rows] == ["sound", "hit", "hit", "sound", "hit"]
    zero = other.Timecode("29.97", "00:00:59;20")
    for row in rows:
        first = int(float(row["start_s"]) * 30000 / 1001 + 1e-6)
        assert row["timecode_in"] == str(zero + first if first else zero)
    assert rows[1]["timecode_in"] == "00:00:59;27" and rows[1]["timecode_out"] == "00:00:59;28"
    assert rows[2]["timecode_in"] == "00:01:00;12"  # 20 + 20 frames later: 00:01:00;00 and ;01 do not exist
    assert rows[0]["sound"] == "hammer strikes anvil" and rows[0]["detail"] == "heavy"
    assert rows[2]["strength"] == "0.5"


def test_midi_velocity_is_strength(take: Take, tmp_path: Path) -> None:
    path = export(take, tmp_path, "midi").files["midi"]
    now_s, notes = 0.0, []
    for message in mido.MidiFile(str(path)):
        now_s += message.time
        if message.type == "note_on":
            notes.append((now_s, message.velocity))
    assert [velocity for _, velocity in notes] == [127, 64, 32]
    assert [time_s for time_s, _ in notes] == pytest.approx(ONSETS.times_s, abs=0.0005)


@pytest.mark.parametrize("kind", ["audacity", "cues", "midi"])
def test_what_was_exported_is_read_back_as_onsets(take: Take, tmp_path: Path, kind: str) -> None:
    back = read_onsets(str(export(take, tmp_path, kind).files[kind]))
    assert back.times_s == pytest.approx(ONSETS.times_s, abs=0.0005)
    assert back.strengths == pytest.approx(ONSETS.strengths, abs=0.005)
    assert read_onsets(str(take.onsets_csv)) == ONSETS


@pytest.mark.parametrize(
    ("name", "text", "onsets"),
    [
        ("a.txt", "0.5\t0.5\tbang\n\\\t100\t200\n1.25\t1.25\tsoft @0.4\n", Onsets.of([0.5, 1.25], [1.0, 0.4])),
        ("b.txt", "\ufeff0.5\t0.9\tbang\n1.25\t2\tcrash\n", Onsets.of([0.5, 1.25])),
        ("c.csv", "time_s;strength\r\n0,5;0,8\r\n\r\n1,25;\r\n", Onsets.of([0.5, 1.25], [0.8, 1.0])),
        ("d.csv", 'kind,start_s,note\nhit,0.5,\nsound,0.7,\nhit,1.25,"bang, ""click"""\n', Onsets.of([0.5, 1.25])),
    ],
)
def test_files_of_other_programs(tmp_path: Path, name: str, text: str, onsets: Onsets) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_onsets(str(tmp_path / name)) == onsets


def test_notes_of_several_tracks_and_tempi(tmp_path: Path) -> None:
    first = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    first.append(mido.MetaMessage("set_tempo", tempo=1_000_000, time=480))
    second = mido.MidiTrack([mido.Message("note_on", note=38, velocity=127, time=480)])
    second.append(mido.Message("note_on", note=38, velocity=0, time=10))
    second.append(mido.Message("note_on", note=36, velocity=64, time=470))
    path = tmp_path / "drums.midi"
    mido.MidiFile(ticks_per_beat=480, tracks=[first, second]).save(path)
    assert read_onsets(str(path)) == Onsets.of([0.5, 1.5], [1.0, 64 / 127])


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.csv", b"kind,start_s\nhit,soon\n", "a.csv: row 2, column start_s"),
        ("a.txt", b"0.5\t0.5\t@7\n", "between 0 and 1"),
        ("a.txt", b"-1\t-1\tx\n", "from 0 on"),
        ("a.mid", b"MThd nonsense", "no MIDI file"),
        ("a.mid", b"", "no MIDI file"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, part: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FoleyError, match=part):
        read_onsets(str(tmp_path / name))
    with pytest.raises(FoleyError, match=part):
        read_onset_file(tmp_path / name)
    with pytest.raises(FoleyError, match="There is no file"):
        read_onsets(str(tmp_path / f"no-{name}"))


def test_a_reaper_project_has_tracks_items_and_markers(take: Take, tmp_path: Path) -> None:
    done = export(take, tmp_path, "reaper")
    project = rpp.loads(done.files["reaper"].read_text(encoding="utf-8"))
    assert project.tag == "REAPER_PROJECT"
    tracks = project.findall("TRACK")
    assert [track.find("NAME")[1] for track in tracks] == ["Picture", "Mix", "01_hammer_strikes_anvil", "02_rain"]
    assert [track.find("MUTESOLO")[1] for track in tracks] == ["1", "1", "0", "0"]
    for track in tracks:
        item = track.find("ITEM")
        assert (float(item.find("POSITION")[1]), float(item.find("LENGTH")[1])) == (0, 2)
        assert (done.folder / item.find("SOURCE").find("FILE")[1]).is_file()
    marks = [mark for mark in project.children if isinstance(mark, list) and mark[0] == "MARKER"]
    assert [float(mark[2]) for mark in marks if mark[4] == "0"] == list(ONSETS.times_s)
    assert [float(mark[2]) for mark in marks if mark[4] == "1"] == [0.2, 1.0, 0.8, 2.0]
    assert float(next(c for c in project.children if c[0] == "PROJOFFS")[1]) == 3600


def test_opentimelineio_reads_the_timeline(take: Take, tmp_path: Path) -> None:
    done = export(take, tmp_path, "otio")
    timeline = opentimelineio.adapters.read_from_file(str(done.files["otio"]))
    assert [(track.name, track.kind) for track in timeline.tracks] == [
        ("Picture", "Video"),
        ("Mix", "Audio"),
        ("01_hammer_strikes_anvil", "Audio"),
        ("02_rain", "Audio"),
    ]
    assert timeline.global_start_time.to_timecode() == "01:00:00:00"
    assert timeline.duration().to_seconds() == pytest.approx(2.0)
    for clip in timeline.find_clips():
        assert (done.folder / clip.media_reference.target_url).is_file()
    marks = next(iter(timeline.find_clips())).markers
    hits = [mark for mark in marks if mark.color == "RED"]
    assert [mark.metadata["rhythmic_foley"]["strength"] for mark in hits] == list(ONSETS.strengths)
    assert [mark.marked_range.start_time.to_seconds() - 3600 for mark in hits] == pytest.approx([0.24, 0.68, 1.2])


def test_adapters_write_what_they_read_again(take: Take, tmp_path: Path) -> None:
    done = export(take, tmp_path, "edl", "fcpxml")
    edl = opentimelineio.adapters.read_from_file(str(done.files["edl"]), rate=25)
    assert [clip.source_range.duration.value for clip in edl.find_clips()] == [50]
    assert next(iter(edl.find_clips())).source_range.start_time.to_timecode() == "01:00:00:00"
    opentimelineio.adapters.read_from_file(str(done.files["fcpxml"]), "fcpx_xml")


def test_a_missing_adapter_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(opentimelineio.adapters, "available_adapter_names", lambda: ["otio_json"])
    with pytest.raises(FoleyError, match=r"no adapter for aaf here; install rhythmic-foley\[timeline\]"):
        write_by_adapter("{}", tmp_path / "a.aaf", "aaf")
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    with pytest.raises(FoleyError, match="not installed"):
        write_by_adapter("{}", tmp_path / "a.aaf", "aaf")
