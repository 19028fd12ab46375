"""Sound files that the fuzzer damages, and some that lie about themselves."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
import soundfile
from fuzz.mutations import MUTATIONS

_FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".float.wav": ("WAV", "FLOAT"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aiff": ("AIFF", "PCM_16"),
    ".caf": ("CAF", "PCM_16"),
}


def sounds(count: int, seed: int = 0) -> Iterator[tuple[str, str, bytes]]:
    """(name, suffix, content) of that many sound files: the sound ones, the lying ones, the damaged ones."""
    good = [(suffix, _encoded(*how)) for suffix, how in _FORMATS.items()]
    made = [(f"good{suffix}", suffix, data) for suffix, data in good] + _liars()
    yield from made[:count]
    for number in range(len(made), count):
        rng = np.random.default_rng([seed, number])
        suffix, data = good[number % len(good)]
        mutation = MUTATIONS[(number // len(good)) % len(MUTATIONS)]
        damaged = mutation(rng, data, good[rng.integers(len(good))][1])
        yield f"{number:05d}-{mutation.__name__}{suffix}", suffix, damaged or b"\0"


def _encoded(kind: str, subtype: str) -> bytes:
    wave = 0.5 * np.exp(-np.arange(16_000) / 2000) * np.sin(np.arange(16_000) / 10)
    file = io.BytesIO()
    soundfile.write(file, wave, 16_000, format=kind, subtype=subtype)
    return file.getvalue()


def _liars() -> list[tuple[str, str, bytes]]:
    """Headers of sounds that are endless, too fast, too slow, have too many channels or no numbers for samples."""
    flac = bytearray(_encoded("FLAC", "PCM_16"))
    flac[21:26] = bytes([flac[21] | 0x0F]) + b"\xff" * 4  # 2 ** 36 - 1 samples
    return [
        ("endless.flac", ".flac", bytes(flac)),
        ("endless.wav", ".wav", _wav(16_000, 1, b"\0" * 100, 0xFFFFFFF0)),
        ("1-hz.wav", ".wav", _wav(1, 1, b"\0" * 100)),
        ("2-ghz.wav", ".wav", _wav(2**31 - 1, 1, b"\0" * 100)),
        ("1000-channels.wav", ".wav", _wav(16_000, 1000, b"\0" * 20_000)),
        ("nan.wav", ".wav", _wav(16_000, 1, struct.pack("<f", float("nan")) * 2000, kind=3, bits=32)),
        ("infinite.wav", ".wav", _wav(16_000, 1, struct.pack("<f", float("inf")) * 2000, kind=3, bits=32)),
        ("empty.wav", ".wav", _wav(16_000, 1, b"")),
        ("playlist.mp3", ".mp3", b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n"),
    ]


def _wav(rate_hz: int, channels: int, data: bytes, size: int | None = None, kind: int = 1, bits: int = 16) -> bytes:
    block = channels * bits // 8
    header = struct.pack("<HHIIHH", kind, channels, rate_hz, min(2**32 - 1, rate_hz * block), block % 65536, bits)
    size = len(data) if size is None else size
    return (
        b"RIFF"
        + struct.pack("<I", (36 + size) % 2**32)
        + b"WAVEfmt \x10\0\0\0"
        + header
        + b"data"
        + struct.pack("<I", size)
        + data
    )
