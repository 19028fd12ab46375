"""Sound files as editors want them, read back by other programs, and the levels of deliveries."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from export.made_takes import made_take
from wavinfo import WavInfoReader

from rhythmic_foley import cli
from rhythmic_foley.audio.loudness import loudness_lufs
from rhythmic_foley.audio.true_peak import true_peak_dbtp
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.cli import DELIVERY_NAMES, FORMAT_NAMES
from rhythmic_foley.export.cutting_room import FORMATS, Export, ExportRequest, export_take
from rhythmic_foley.export.delivery import DELIVERIES
from rhythmic_foley.export.sound_files import decoded
from rhythmic_foley.media.reading import probe
from rhythmic_foley.values.results import Take


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    return made_take(tmp_path_factory.mktemp("made"))


def export(take: Take, tmp_path: Path, *formats: str, **more: object) -> Export:
    return export_take(take, ExportRequest(formats, **more), tmp_path / "out")


@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_wav_is_broadcast_wave(take: Take, tmp_path: Path, rate_hz: int) -> None:
    path = export(take, tmp_path, "wav", rate_hz=rate_hz).files["wav"]
    about = soundfile.info(path)
    assert (about.samplerate, about.subtype, about.channels) == (rate_hz, "PCM_24", 1)
    assert about.duration == pytest.approx(2.0, abs=0.001)
    wave, _ = soundfile.read(path)
    assert wave.std() == pytest.approx(soundfile.read(take.wav)[0].std(), rel=0.05)  # without what lay above 8 kHz
    theirs = WavInfoReader(str(path))
    assert theirs.bext.time_reference == 3600 * rate_hz
    assert (theirs.bext.originator, theirs.bext.version) == ("Rhythmic Foley", 2)
    assert theirs.bext.description == f"{take.name}: mix"
    assert theirs.bext.loudness_value == pytest.approx(loudness_lufs(wave, rate_hz), abs=0.02)
    assert theirs.bext.max_true_peak == pytest.approx(true_peak_dbtp(wave), abs=0.02)
    assert [track.name for track in theirs.ixml.track_list] == ["mix"]
    speed = ElementTree.fromstring(theirs.ixml.source).find("SPEED")
    assert (speed.findtext("TIMECODE_RATE"), speed.findtext("TIMECODE_FLAG")) == ("25/1", "NDF")


@pytest.mark.skipif(shutil.which("soxi") is None, reason="sox is not installed here")
def test_sox_reads_it(take: Take, tmp_path: Path) -> None:
    path = export(take, tmp_path, "wav").files["wav"]
    said = subprocess.run(["soxi", str(path)], capture_output=True, text=True, check=True).stdout
    assert "48000" in said and "24-bit" in said


def test_timecode_is_the_clips_own_or_as_asked(tmp_path: Path) -> None:
    drop = made_take(tmp_path, fps=29.97, timecode="01:00:00;00", starts_s=60.06)
    assert export(drop, tmp_path, "wav").start == "01:01:00;02"
    assert export(drop, tmp_path, "wav", timecode="10:00:00:00").start == "10:00:00:00"
    with pytest.raises(FoleyError, match="is no timecode"):
        export(drop, tmp_path, "wav", timecode="ten")
    (tmp_path / "plain").mkdir()
    plain = made_take(tmp_path / "plain", timecode=None)
    assert export(plain, tmp_path, "wav").start == "00:00:00:00"


def test_stems_are_numbered_and_start_at_zero(take: Take, tmp_path: Path) -> None:
    done = export(take, tmp_path, "wav", "stems")
    stems = sorted(done.files["stems"].iterdir())
    assert [path.name for path in stems] == ["01_hammer_strikes_anvil.wav", "02_rain.wav"]
    assert {soundfile.info(path).frames for path in stems} == {soundfile.info(done.files["wav"]).frames}
    assert {soundfile.info(path).subtype for path in stems} == {"PCM_24"}
    assert {WavInfoReader(str(path)).bext.time_reference for path in stems} == {3600 * 48_000}
    mix, _ = soundfile.read(done.files["wav"])
    together = sum(soundfile.read(path)[0] for path in stems)
    assert np.abs(together - mix).max() < 0.002  # these two were added to the mix; 16-bit files in between
    hammer, _ = soundfile.read(stems[0])
    assert np.argmax(np.abs(hammer) > 0.05) / 48_000 == pytest.approx(0.25, abs=0.002)


def test_flac_and_mp3_hold_the_same_sound(take: Take, tmp_path: Path) -> None:
    done = export(take, tmp_path, "flac", "mp3")
    flac, mp3 = soundfile.read(done.files["flac"])[0], soundfile.read(done.files["mp3"])[0]
    assert soundfile.info(done.files["flac"]).subtype == "PCM_24"
    assert len(flac) == 96_000 and abs(len(mp3) - len(flac)) < 2400
    assert np.corrcoef(flac[:90_000], mp3[:90_000])[0, 1] > 0.9


@pytest.mark.parametrize("name", [name for name in DELIVERIES if name != "as-is"])
def test_deliveries_hold_after_encoding(take: Take, tmp_path: Path, name: str) -> None:
    wanted = DELIVERIES[name]
    done = export(take, tmp_path, "wav", "flac", "mp3", "video", "stems", delivery=name)
    for kind in ("wav", "flac", "mp3", "video"):
        wave, rate_hz = decoded(done.files[kind])
        assert true_peak_dbtp(wave) <= wanted.true_peak_dbtp + 0.001, kind
        assert loudness_lufs(wave[:, 0], rate_hz) == pytest.approx(wanted.loudness_lufs, abs=0.5), kind
    assert probe(done.files["video"]).frames == 50
    assert not [note for note in done.notes if "reaches" in note]


def test_names_and_numbers_are_those_of_the_specifications() -> None:
    told = {name: (one.loudness_lufs, one.true_peak_dbtp) for name, one in DELIVERIES.items()}
    assert told == {
        "as-is": (None, 0.0),
        "ebu-r128": (-23.0, -1.0),
        "atsc-a85": (-24.0, -2.0),
        "netflix": (-27.0, -2.0),
        "streaming": (-14.0, -1.0),
        "podcast": (-16.0, -1.0),
    }


def test_what_cannot_be_reached_is_said(tmp_path: Path) -> None:
    """A single click in silence: its peak is at the limit long before it is loud."""
    clicks = made_take(tmp_path, stems=False, level=0.0)
    wave = np.zeros(32_000, np.float32)
    wave[16_000] = 0.5
    soundfile.write(clicks.wav, wave, 16_000, subtype="PCM_16")
    done = export(clicks, tmp_path, "wav", delivery="streaming")
    assert any("instead of -14, because its peaks are at the limit" in note for note in done.notes)
    assert done.measured["wav"].true_peak_dbtp <= -1.0
    soundfile.write(clicks.wav, np.zeros(32_000), 16_000, subtype="PCM_16")
    silent = export(clicks, tmp_path, "wav", "mp3", delivery="ebu-r128")
    assert "clip.wav is silent, so its loudness could not be set." in silent.notes
    assert silent.as_json()["measured"]["wav"] == {"loudness_lufs": None, "true_peak_dbtp": None}
    json.dumps(silent.as_json(), allow_nan=False)


def test_wrong_wishes_are_sentences_and_leave_nothing(tmp_path: Path) -> None:
    bare = made_take(tmp_path, stems=False)
    with pytest.raises(FoleyError, match="has no stems"):
        export(bare, tmp_path, "wav", "stems")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "takes"]
    for wrong, part in (
        ({"formats": ("wma",)}, 'no format "wma"; choose among wav, flac'),
        ({"formats": ()}, "at least one format"),
        ({"delivery": "radio"}, 'no delivery "radio"'),
        ({"rate_hz": 8000}, "48000 or 44100"),
    ):
        with pytest.raises(FoleyError, match=part):
            ExportRequest(**wrong)


def test_an_older_export_is_not_touched(take: Take, tmp_path: Path) -> None:
    first, second = (export(take, tmp_path, "flac") for _ in range(2))
    assert (first.folder.name, second.folder.name) == ("out", "out-2")
    assert first.paths == [first.files["flac"]] and first.files["flac"].is_file()
    assert set(first.files) <= set(FORMATS)


def test_the_command_writes_and_says_what(take: Take, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert (FORMAT_NAMES, DELIVERY_NAMES) == (tuple(FORMATS), tuple(DELIVERIES))
    out = tmp_path / "for-mix"
    words = ["export", str(take.folder), "--format", "wav,flac", "stems", "--deliver", "netflix", "--rate", "44100"]
    assert cli.main([*words, "--timecode", "10:00:00:00", "--out", str(out)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == {"wav": str(out / "clip.wav"), "flac": str(out / "clip.flac"), "stems": str(out / "stems")}
    assert said["measured"]["wav"]["loudness_lufs"] == pytest.approx(-27, abs=0.1)
    assert (said["timecode"], said["notes"]) == ("10:00:00:00", [])
    assert soundfile.info(said["files"]["wav"]).samplerate == 44_100
    assert cli.main(["export", str(tmp_path)]) == 2
    assert "is not the folder of a take" in capsys.readouterr().err
    assert cli.main(["export", str(take.folder), "--format", "wma"]) == 2
