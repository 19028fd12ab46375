"""The sound of a clip: decoded, folded to one or two channels and laid where its time stamps say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from rhythmic_foley.audio.channels import stereo_shares, to_mono
from rhythmic_foley.audio.signal import fit_length, resample
from rhythmic_foley.media.container import OpenClip, open_clip
from rhythmic_foley.media.streams import CUT_OFF
from rhythmic_foley.runtime.isolation import isolated
from rhythmic_foley.values.limits import bounded

_AUDIO_BLOCK = 1024
_LONGER_S = 1.0  # by which sound may outlast the picture


def read_audio(path: str | Path, sample_rate_hz: int) -> np.ndarray | None:
    """The clip's sound, folded to mono, from the moment its picture starts.

    Returns:
        float32 (N,), or None when there is no sound track; otherwise as `read_channels`.

    Raises:
        FoleyError: as for `probe`.
    """
    wave = read_channels(path, sample_rate_hz)
    return None if wave is None else to_mono(wave)


@isolated
def read_channels(path: str | Path, sample_rate_hz: int) -> np.ndarray | None:
    """The clip's sound as mono or stereo, from the moment its picture starts.

    Sound before the picture is cut, a sound track that starts later is preceded by silence, and gaps stay gaps. The
    sound may end before the picture or a little after it; what is heard long after it is left out. More than two
    channels are folded to stereo (`stereo_shares`).

    Returns:
        float32 (N, C) with C = 1 or 2, or None when there is no sound track.

    Raises:
        FoleyError: as for `probe`.
    """
    with open_clip(path) as clip:
        stream = clip.sound
        if stream is None:
            return None
        start_s = float(clip.timeline.start * clip.timeline.time_base)
        wave, rate_hz = _laid_out(clip, stream, start_s)
    return fit_length(resample(wave, rate_hz, sample_rate_hz), round(len(wave) * sample_rate_hz / rate_hz))


def _laid_out(clip: OpenClip, stream: av.AudioStream, start_s: float) -> tuple[np.ndarray, int]:
    """float32 (N, C) at the track's own rate, and that rate; each decoded frame laid where its time stamp says."""
    blocks, pieces, rate_hz, position, end_s = None, [], stream.rate, 0, None
    last_s = clip.timeline.duration_s + _LONGER_S
    for packet in _packets(clip, stream):
        if packet is not None and packet.pts is not None and packet.duration:
            end_s = float((packet.pts + packet.duration) * packet.time_base) - start_s
        for frame in _decoded(clip, stream, packet):
            if blocks is None:
                rate_hz = frame.sample_rate
                blocks = _Blocks(rate_hz, min(2, frame.layout.nb_channels))
            wanted = position if frame.time is None else round((frame.time - start_s) * rate_hz)
            if max(wanted, position) > last_s * rate_hz:
                continue
            if not pieces or abs(wanted - position) > 0.05 * rate_hz:  # less is rounding of the container's clock
                pieces.append(np.zeros((max(0, wanted - position), blocks.channels), dtype=np.float32))
                position = max(wanted, position) if pieces[1:] else wanted
            for block in blocks.of(frame):
                pieces.append(block[max(0, -position) :] if position < 0 else block)
                position += len(block)
    wave = np.concatenate(pieces) if pieces else np.zeros((0, 1), dtype=np.float32)
    # Encoders fill up their last block; the last packet's duration says how much of it is sound.
    padding = len(wave) - round(end_s * rate_hz) if end_s is not None else 0
    return (wave[: len(wave) - padding] if 0 < padding <= 4 * _AUDIO_BLOCK else wave), rate_hz


class _Blocks:
    """Turns decoded frames into blocks of float32 (N, C).

    Samples are read packed, all channels in one plane. Where a frame has eight planes or more, one for each channel,
    PyAV reads beyond the list of planes and the process crashes.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self.channels = channels
        self._rate_hz = rate_hz
        self._source: tuple | None = None
        self._packed: av.AudioResampler | None = None
        self._shares = np.zeros((0, 2), np.float32)

    def of(self, frame: av.AudioFrame) -> Iterator[np.ndarray]:
        """The frame's samples, folded."""
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        if source != self._source:  # a stream may change on the way
            self._source, self._packed = source, av.AudioResampler(format="flt", rate=self._rate_hz)
            self._shares = stereo_shares([channel.name for channel in frame.layout.channels])
        for packed in self._packed.resample(frame):
            samples = bounded(packed.to_ndarray().reshape(packed.samples, -1))
            stereo = samples if samples.shape[1] == 1 else samples @ self._shares
            if stereo.shape[1] == self.channels:
                yield stereo
            else:
                yield to_mono(stereo)[:, None] if self.channels == 1 else np.repeat(stereo, 2, axis=1)


def _packets(clip: OpenClip, stream: av.AudioStream) -> Iterator[av.Packet | None]:
    packets = clip.container.demux(stream)
    try:
        yield from (packet for packet in packets if packet.size)
    except CUT_OFF:
        pass  # a file cut off in the middle: what came before is still good
    yield None


def _decoded(clip: OpenClip, stream: av.AudioStream, packet: av.Packet | None) -> list[av.AudioFrame]:
    try:
        with clip.decoder_call():
            return stream.decode(packet)
    except av.error.InvalidDataError:
        return []
