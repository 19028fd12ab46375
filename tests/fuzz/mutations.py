"""Ways to damage a file, each a function of (generator, bytes, bytes of another file) -> bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
Mutation = Callable[[Rng, bytes, bytes], bytes]

_ODD_NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_FOREIGN_STARTS = (
    b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n",
    b"ffconcat version 1.0\nfile /etc/passwd\n",
    b"<?xml version='1.0'?><MPD/>",
    b"RIFF\xff\xff\xff\xffAVI LIST",
    b"\x1aE\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff",
    b"\0\0\0\x18ftypqt  \0\0\0\0",
    b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xf0",
    b"OggS\0\x02" + b"\xff" * 20,
    b"FLV\x01\x05\0\0\0\x09",
    b"G" + b"\x40" * 187,
    b"GIF89a\xff\xff\xff\xff",
    b"\xff\xd8\xff\xe0",
)
# Boxes of MP4 whose numbers say how long, how many, where and when.
_BOXES = (b"stts", b"ctts", b"elst", b"mvhd", b"mdhd", b"tkhd", b"stsz", b"stco", b"stsc", b"stss", b"stsd", b"trex")
# Elements of Matroska likewise: scale, duration, width, height, default duration, cluster and block time, lacing.
_ELEMENTS = (b"\x2a\xd7\xb1", b"\x44\x89", b"\xb0", b"\xba", b"\x23\xe3\x83", b"\xe7", b"\xa3", b"\xa1", b"\x9b")
_AVI_HEADERS = (b"avih", b"strh", b"strf", b"idx1", b"movi", b"indx")


def bit_flips(rng: Rng, data: bytes, _: bytes) -> bytes:
    """Some bits anywhere."""
    return _flipped(rng, data, 0, len(data))


def bit_flips_in_the_header(rng: Rng, data: bytes, _: bytes) -> bytes:
    """Some bits in the first kilobyte."""
    return _flipped(rng, data, 0, min(len(data), 1024))


def bit_flips_in_the_index(rng: Rng, data: bytes, _: bytes) -> bytes:
    """Some bits in the last two kilobytes, where most containers keep their index."""
    return _flipped(rng, data, max(0, len(data) - 2048), len(data))


def truncated(rng: Rng, data: bytes, _: bytes) -> bytes:
    """The end is missing."""
    return data[: int(rng.integers(0, len(data)))]


def beheaded(rng: Rng, data: bytes, _: bytes) -> bytes:
    """The beginning is missing."""
    return data[int(rng.integers(1, min(len(data), 4096))) :]


def foreign_start(rng: Rng, data: bytes, _: bytes) -> bytes:
    """It begins like something else."""
    start = _FOREIGN_STARTS[rng.integers(len(_FOREIGN_STARTS))]
    return start + (data if rng.random() < 0.5 else data[len(start) :])


def odd_box(rng: Rng, data: bytes, _: bytes) -> bytes:
    """Numbers of the header, such as sizes, lengths and times, are 0, 1, negative or huge."""
    return _odd_numbers_after(rng, data, _BOXES + _AVI_HEADERS, reach=64)


def odd_box_size(rng: Rng, data: bytes, _: bytes) -> bytes:
    """The size in front of a box is 0, 1, negative or huge."""
    return _odd_numbers_after(rng, data, (*_BOXES, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mdat"), at=-4)


def odd_element(rng: Rng, data: bytes, _: bytes) -> bytes:
    """Sizes and values of an element of Matroska."""
    return _odd_numbers_after(rng, data, _ELEMENTS, reach=8)


def odd_numbers(rng: Rng, data: bytes, _: bytes) -> bytes:
    """Some aligned numbers of the first four kilobytes."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 8))):
        _put(rng, out, int(rng.integers(0, max(1, min(len(data), 4096)))) & ~3)
    return bytes(out)


def spliced(rng: Rng, data: bytes, other: bytes) -> bytes:
    """It goes on as another file."""
    at = int(rng.integers(1, len(data)))
    return data[:at] + other[min(at, len(other) - 1) :]


def repeated(rng: Rng, data: bytes, _: bytes) -> bytes:
    """A stretch is there twice."""
    start, end = _stretch(rng, data)
    return data[:end] + data[start:end] + data[end:]


def cut_out(rng: Rng, data: bytes, _: bytes) -> bytes:
    """A stretch is missing."""
    start, end = _stretch(rng, data)
    return data[:start] + data[end:]


def zeroed(rng: Rng, data: bytes, _: bytes) -> bytes:
    """A stretch is all zeros."""
    start, end = _stretch(rng, data)
    return data[:start] + bytes(end - start) + data[end:]


def noise(rng: Rng, data: bytes, _: bytes) -> bytes:
    """A stretch is noise."""
    start, end = _stretch(rng, data)
    return data[:start] + rng.bytes(end - start) + data[end:]


MUTATIONS: tuple[Mutation, ...] = (
    bit_flips,
    bit_flips_in_the_header,
    bit_flips_in_the_index,
    truncated,
    beheaded,
    foreign_start,
    odd_box,
    odd_box_size,
    odd_element,
    odd_numbers,
    spliced,
    repeated,
    cut_out,
    zeroed,
    noise,
)


def _flipped(rng: Rng, data: bytes, start: int, end: int) -> bytes:
    out = bytearray(data)
    for at in rng.integers(start, end, size=int(rng.integers(1, 65))):
        out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)


def _stretch(rng: Rng, data: bytes) -> tuple[int, int]:
    start = int(rng.integers(0, len(data)))
    return start, min(len(data), start + int(rng.integers(1, 4096)))


def _odd_numbers_after(
    rng: Rng, data: bytes, marks: tuple[bytes, ...], reach: int = 4, at: int | None = None
) -> bytes:
    """Odd numbers near some of the places where one of the marks stands; anywhere if there is none."""
    out = bytearray(data)
    places = [place for mark in marks for place in _places(data, mark)]
    for _ in range(int(rng.integers(1, 5))):
        if places:
            mark_at, length = places[rng.integers(len(places))]
            offset = at if at is not None else length + int(rng.integers(reach))
            _put(rng, out, max(0, mark_at + offset))
        else:
            _put(rng, out, int(rng.integers(0, len(data))))
    return bytes(out)


def _places(data: bytes, mark: bytes) -> list[tuple[int, int]]:
    found, at = [], data.find(mark)
    while at >= 0 and len(found) < 64:
        found.append((at, len(mark)))
        at = data.find(mark, at + 1)
    return found


def _put(rng: Rng, out: bytearray, at: int) -> None:
    number = _ODD_NUMBERS[rng.integers(len(_ODD_NUMBERS))] if rng.random() < 0.8 else int(rng.integers(2**32))
    value = struct.pack(">I" if rng.random() < 0.6 else "<I", number)
    width = (1, 2, 4, 4)[rng.integers(4)]
    out[at : at + width] = value[-width:][: max(0, len(out) - at)]
