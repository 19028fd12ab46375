"""Write Broadcast Wave: 24-bit WAV with its place in time (`bext`, EBU Tech 3285) and track names (iXML 1.61).

Programs that know neither chunk play it as any other WAV file.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

import numpy as np

from rhythmic_foley.values.timecode import Timecode

_ORIGINATOR = "Rhythmic Foley"
_BEXT = struct.Struct("<256s32s32s10s8sIIH64s5h180x")  # 602 bytes
_VERSION = 2  # of bext, with loudness
_UNKNOWN = 0x7FFF  # a loudness that was not measured


@dataclass(frozen=True)
class Label:
    """What a Broadcast Wave says about itself.

    Attributes:
        description: what it is, in a line; ASCII, other letters become "?" in bext but stay in iXML.
        start: timecode of its first sample.
        made: when the sound was made.
        tracks: a name for each channel.
        loudness_lufs: integrated loudness; None if not measured. Likewise `true_peak_dbtp`.
    """

    description: str
    start: Timecode
    made: datetime
    tracks: Sequence[str]
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None


def broadcast_wave(wave: np.ndarray, sample_rate_hz: int, label: Label) -> bytes:
    """(N, C) in -1..1 as the bytes of a 24-bit Broadcast Wave file.

    Raises:
        ValueError: if it does not fit into 4 GB.
    """
    import soundfile

    encoded = io.BytesIO()
    soundfile.write(encoded, np.clip(wave, -1.0, 1.0), sample_rate_hz, subtype="PCM_24", format="WAV")
    sound = encoded.getvalue()[12:]  # without the header: format and data
    sound += b"\0" * (len(sound) % 2)
    bext, ixml = _bext(label, sample_rate_hz), _ixml(label, sample_rate_hz)
    body = b"WAVE" + _chunk(b"bext", bext) + sound + _chunk(b"iXML", ixml)
    if len(body) >= 1 << 32:
        raise ValueError("a WAV file holds at most 4 GB")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def samples_since_midnight(start: Timecode, sample_rate_hz: int) -> int:
    """The time reference of bext."""
    return round(start.frame * sample_rate_hz / start.rate)


def _bext(label: Label, sample_rate_hz: int) -> bytes:
    reference = samples_since_midnight(label.start, sample_rate_hz)
    return _BEXT.pack(
        _ascii(label.description),
        _ascii(_ORIGINATOR),
        _ascii(f"{_ORIGINATOR} {label.made:%Y%m%d%H%M%S}"[-32:]),
        _ascii(f"{label.made:%Y-%m-%d}"),
        _ascii(f"{label.made:%H:%M:%S}"),
        reference & 0xFFFFFFFF,
        reference >> 32,
        _VERSION,
        b"",
        _hundredths(label.loudness_lufs),
        _UNKNOWN,
        _hundredths(label.true_peak_dbtp),
        _UNKNOWN,
        _UNKNOWN,
    )


def _ixml(label: Label, sample_rate_hz: int) -> bytes:
    reference, rate = samples_since_midnight(label.start, sample_rate_hz), label.start.rate
    root = ElementTree.Element("BWFXML")
    _add(root, IXML_VERSION="1.61", PROJECT=_ORIGINATOR, SCENE=label.description, NOTE="")
    _add(
        ElementTree.SubElement(root, "SPEED"),
        MASTER_SPEED=f"{rate.numerator}/{rate.denominator}",
        CURRENT_SPEED=f"{rate.numerator}/{rate.denominator}",
        TIMECODE_RATE=f"{rate.numerator}/{rate.denominator}",
        TIMECODE_FLAG="DF" if label.start.drop else "NDF",
        FILE_SAMPLE_RATE=str(sample_rate_hz),
        AUDIO_BIT_DEPTH="24",
        DIGITIZER_SAMPLE_RATE=str(sample_rate_hz),
        TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI=str(reference >> 32),
        TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO=str(reference & 0xFFFFFFFF),
        TIMESTAMP_SAMPLE_RATE=str(sample_rate_hz),
    )
    tracks = ElementTree.SubElement(root, "TRACK_LIST")
    _add(tracks, TRACK_COUNT=str(len(label.tracks)))
    for number, name in enumerate(label.tracks, start=1):
        track = ElementTree.SubElement(tracks, "TRACK")
        _add(track, CHANNEL_INDEX=str(number), INTERLEAVE_INDEX=str(number), NAME=name)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _add(parent: ElementTree.Element, **texts: str) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = "".join(letter for letter in text if letter.isprintable())


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")


def _hundredths(level: float | None) -> int:
    return _UNKNOWN if level is None or not np.isfinite(level) else round(100 * max(-99.99, min(99.99, level)))
