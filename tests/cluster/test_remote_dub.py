"""Dubs on other machines: what comes back is what would have been made here."""

from __future__ import annotations

import importlib
import json
import pickle
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from clips import make_clip
from toy import save_toy_checkpoint

from rhythmic_foley import cli
from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.cluster import ray_tasks as machines
from rhythmic_foley.cluster import remote_dub as remote
from rhythmic_foley.cluster.remote_dub import Setup, dub_on_ray
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments import dubbing
from rhythmic_foley.evaluation.experiments.dubbing import DubRun, dub_clips
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.studio import Studio, Take
from rhythmic_foley.training.full import spreading
from rhythmic_foley.training.full.prepare import Preparer
from rhythmic_foley.training.full.sources import Clip, Found
from rhythmic_foley.training.full.spreading import prepare_on_ray
from rhythmic_foley.values.controls import Controls, Fix
from rhythmic_foley.values.onsets import Onsets

CONTROLS = Controls(steps=1, seed=3, text="wood knocking", onsets=Onsets.of([0.25, 0.7]))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cluster of this process alone: everything is pickled on its way, as it would be."""

    def spread(
        address: str, open_worker: Callable[[], Callable], tasks: Sequence[object]
    ) -> Iterator[tuple[int, object]]:
        opening = pickle.dumps(open_worker)
        for number, task in reversed(list(enumerate(tasks))):
            yield pickle.loads(pickle.dumps(machines.do_task(opening, number, pickle.loads(pickle.dumps(task)))))

    monkeypatch.setenv("RHYTHMIC_FOLEY_CACHE", str(tmp_path / "cache-there"))
    monkeypatch.setattr(remote, "spread", spread)
    monkeypatch.setattr(dubbing, "spread", spread)
    monkeypatch.setattr(spreading, "spread", spread)


def local_take(checkpoint: Path, clip: Path, tmp_path: Path, controls: Controls = CONTROLS) -> Take:
    studio = Studio(checkpoint, cache=Cache(tmp_path / "cache-here"))
    *_, analysis = studio.analyse(clip, describe=False, find_onsets=False)
    (take,) = (item for item in studio.dub(analysis, controls, tmp_path / "here") if isinstance(item, Take))
    return take


def files(folder: Path) -> dict[str, bytes]:
    """Of a take; but for the archive, which notes when it was written."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".npz"
    }


def test_a_take_made_elsewhere_is_the_same(here, checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "knock.wav", [0.0] * 100 + [0.5, -0.5] * 400, 16_000)
    controls = Controls(**{**vars(CONTROLS), "reference": tmp_path / "knock.wav", "reference_strength": 0.3})
    broken = tmp_path / "broken.mp4"
    broken.write_text("no clip")
    clips = [clip, broken, tmp_path / "absent.mp4"]
    results = dict(dub_on_ray("local", Setup(str(checkpoint)), clips, controls, tmp_path / "there"))
    (take,) = results[clip]
    assert files(take.folder) == files(local_take(checkpoint, clip, tmp_path, controls).folder)
    assert take.folder == tmp_path / "there" / "clip-seed3"
    assert isinstance(results[broken], FoleyError) and "cannot be read" in str(results[tmp_path / "absent.mp4"])


def test_a_fix_stays_on_this_machine(checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    controls = Controls(fix=Fix(tmp_path, 0.1, 0.2))
    with pytest.raises(FoleyError, match="leave --ray out"):
        list(dub_on_ray("local", Setup(str(checkpoint)), [clip], controls, tmp_path))


def test_the_command_prints_takes_and_sentences(
    here, checkpoint: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    arguments = ["dub", clip, tmp_path / "absent.mp4", "--ray", "local", "--model", checkpoint]
    arguments += ["--out", tmp_path / "out", "--text", "dog", "--steps", "1", "--seed", "1"]
    assert cli.main(list(map(str, arguments))) == 2
    output = capsys.readouterr()
    assert json.loads(output.out)["name"] == "clip-seed1"
    assert "absent.mp4 cannot be read" in output.err


def test_an_evaluation_is_shared_out(here, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    make_clip(tmp_path / "clips" / "a.mp4", click_times_s=(0.25, 0.7))
    studio = Studio(checkpoint, cache=Cache(tmp_path / "cache-here"))
    runs = [
        DubRun(tmp_path / "clips", tmp_path / name, ("full", "corrected-onsets"), 1, CONTROLS)
        for name in ("here", "there")
    ]
    folders = [dub_clips(studio, run, ray=ray) for run, ray in zip(runs, (None, "local"), strict=True)]
    for variant in ("full", "corrected-onsets"):
        one, other = (folder[variant] / "a_sample_0.wav" for folder in folders)
        assert one.read_bytes() == other.read_bytes()


def record_of(clip: Clip) -> dict[str, bytes] | None:
    if clip.name == "c":
        raise FoleyError("This clip is damaged.")
    return {"txt": clip.caption.encode()}


def maker() -> Callable[[Clip], dict[str, bytes] | None]:
    return record_of


def test_preparing_clips_is_shared_out_by_shards(here, tmp_path: Path) -> None:
    found = Found(tuple(Clip(name, tmp_path / name, f"sound {name}") for name in "abcd"), missing=1)
    tally = prepare_on_ray("local", maker, found, tmp_path / "there", shard_size=2)
    alone = Preparer(record_of).prepare(found, tmp_path / "here", shard_size=2)
    assert (tally.written, tally.missing, tally.unreadable) == (3, 1, ["c"])
    assert str(tally) == str(alone)
    for name in ("000000.tar", "000001.tar"):
        with tarfile.open(tmp_path / "here" / name) as one, tarfile.open(tmp_path / "there" / name) as other:
            assert one.getnames() == other.getnames()
    assert prepare_on_ray("local", maker, found, tmp_path / "there", shard_size=2).written == 0


def test_without_ray_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(FoleyError, match=r"pip install rhythmic-foley\[ray\]"):
        list(machines.spread("local", list, [1]))


@pytest.mark.slow
def test_two_workers_of_a_real_cluster(checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    """Needs Ray. Two clips, one of them twice: three tasks for two workers on a node each."""
    cluster_utils = importlib.import_module("ray.cluster_utils")
    clips = [clip, make_clip(tmp_path / "other.mp4", duration_s=1.5), clip]
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        results = list(dub_on_ray(cluster.address, Setup(str(checkpoint)), clips, CONTROLS, tmp_path / "there"))
    finally:
        cluster.shutdown()
    assert len(results) == 3
    wanted = files(local_take(checkpoint, clip, tmp_path).folder)
    for path, (take,) in results:
        if path == clip:
            assert files(take.folder) == wanted
