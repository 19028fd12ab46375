"""Sound files as editors want them: Broadcast Wave at 24 bit, FLAC, MP3, and numbered stems that all start at zero."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.broadcast_wave import Label, broadcast_wave
from rhythmic_foley.audio.signal import fit_length, resample
from rhythmic_foley.audio.wav import read_wav_channels
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.delivery import DELIVERIES, TOLERANCE_LU, Delivery, Measured, deliver
from rhythmic_foley.export.spotting import Spotting
from rhythmic_foley.media.muxing import mux
from rhythmic_foley.values.results import Take

RATES_HZ = (48_000, 44_100)
_ROUNDS = 6
_MARGIN_DB = 0.1


@dataclass(frozen=True)
class Sound:
    """A sound to be written: float (N, C) at `rate_hz`."""

    wave: np.ndarray
    rate_hz: int


def read_sound_file(path: Path, rate_hz: int) -> Sound:
    """A sound file with all of its channels, at another rate.

    Raises:
        FoleyError: if it cannot be read.
    """
    wave, own_hz = read_wav_channels(path)
    return Sound(resample(wave, own_hz, rate_hz), rate_hz)


@dataclass(frozen=True)
class SoundWriter:
    """Writes one take's sounds at one rate and for one delivery."""

    spotting: Spotting
    rate_hz: int
    wanted: Delivery

    def wav(self, path: Path, sound: Sound, name: str) -> Measured:
        """A Broadcast Wave file; `name` is what its tracks are called."""
        delivered = deliver(sound.wave, self.rate_hz, self.wanted).wave
        measured = Measured.of(delivered, self.rate_hz)
        path.write_bytes(broadcast_wave(delivered, self.rate_hz, self._label(name, delivered.shape[1], measured)))
        return measured

    def flac(self, path: Path, sound: Sound) -> Measured:
        """A FLAC file at 24 bit."""
        import soundfile

        def encode(wave: np.ndarray) -> None:
            _write(path, lambda out: soundfile.write(out, wave, self.rate_hz, format="FLAC", subtype="PCM_24"))

        return self._checked(path, sound, encode)

    def mp3(self, path: Path, sound: Sound) -> Measured:
        """An MP3 file at the highest rate of bits."""
        import soundfile

        how = {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.0, "bitrate_mode": "CONSTANT"}

        def encode(wave: np.ndarray) -> None:
            _write(path, lambda out: soundfile.write(out, wave, self.rate_hz, **how))

        return self._checked(path, sound, encode)

    def video(self, path: Path, take: Take, sound: Sound) -> Measured:
        """The take's video, its picture untouched, with this sound as AAC."""

        def encode(wave: np.ndarray) -> None:
            mux(take.video, wave[:, 0] if wave.shape[1] == 1 else wave, self.rate_hz, path)

        return self._checked(path, sound, encode)

    def stems(self, folder: Path, stems: Sequence[Path], mix: Sound) -> tuple[list[Path], list[str]]:
        """A numbered file for each event, all as long as the mix and with its gain; files and notes."""
        gain = deliver(mix.wave, self.rate_hz, self.wanted).gain
        sounds = [read_sound_file(path, self.rate_hz).wave * np.float32(gain) for path in stems]
        loudest = max((float(np.abs(wave).max(initial=0.0)) for wave in sounds), default=0.0)
        lower = 1.0 / loudest if loudest > 1.0 else 1.0
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for number, (path, wave) in enumerate(zip(stems, sounds, strict=True), start=1):
            name = re.sub(r"^\d+[-_]", "", path.stem)
            label = self._label(name, wave.shape[1], None)
            out = folder / f"{number:02d}_{name}.wav"
            out.write_bytes(broadcast_wave(fit_length(wave * lower, len(mix.wave)), self.rate_hz, label))
            written.append(out)
        lowered = f"The stems are {-20 * np.log10(lower):.1f} dB quieter than the mix, so that none of them clips."
        return written, [lowered] if lower < 1.0 else []

    def _label(self, name: str, channels: int, measured: Measured | None) -> Label:
        sides = ("left", "right") if channels == 2 else tuple(str(n + 1) for n in range(channels))
        return Label(
            description=f"{self.spotting.name}: {name}",
            start=self.spotting.start,
            made=self.spotting.made,
            tracks=[name] if channels == 1 else [f"{name} {side}" for side in sides],
            loudness_lufs=measured and measured.loudness_lufs,
            true_peak_dbtp=measured and measured.true_peak_dbtp,
        )

    def _checked(self, path: Path, sound: Sound, encode: Callable[[np.ndarray], None]) -> Measured:
        """Encode, decode, measure; again with more headroom until the decoded peaks are below the limit."""
        headroom_db = 0.0
        for _ in range(_ROUNDS):
            encode(deliver(sound.wave, self.rate_hz, self.wanted, headroom_db=headroom_db).wave)
            measured = Measured.of(*decoded(path))
            over_db = measured.true_peak_dbtp - self.wanted.true_peak_dbtp
            if self.wanted.loudness_lufs is None or over_db <= 0:
                return measured
            headroom_db += over_db + _MARGIN_DB
        raise FoleyError(
            f"The true peak of {path.name} stays above {self.wanted.true_peak_dbtp:g} dBTP after encoding; "
            "choose wav or flac for this delivery."
        )


def loudness_note(name: str, measured: Measured, delivery: str) -> str:
    """A sentence where a delivery's loudness was not reached; else nothing."""
    wanted = DELIVERIES[delivery].loudness_lufs
    if wanted is None or abs(measured.loudness_lufs - wanted) <= TOLERANCE_LU:
        return ""
    if not np.isfinite(measured.loudness_lufs):
        return f"{name} is silent, so its loudness could not be set."
    return (
        f"{name} reaches {measured.loudness_lufs:.1f} LUFS instead of {wanted:g}, because its peaks are at the limit "
        "of this delivery."
    )


def decoded(path: Path) -> tuple[np.ndarray, int]:
    """The sound of a file that this program has written, as a player decodes it: float32 (N, C) and its rate."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packed = av.AudioResampler(format="flt")  # PyAV reads planes safely only where there are fewer than eight
        blocks = [block for frame in container.decode(stream) for block in packed.resample(frame)]
        samples = [block.to_ndarray().reshape(block.samples, -1) for block in blocks]
        return np.concatenate(samples), stream.rate


def _write(path: Path, encode: Callable[[io.BytesIO], None]) -> None:
    encoded = io.BytesIO()  # the library hides what goes wrong when a file is written
    encode(encoded)
    path.write_bytes(encoded.getbuffer())
