"""Further clips that the fuzzer starts from: what phones, editors and habits do to files that are as good as any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from odd_clips import INTERLACED, Track, hdr_frames, interlaced, lit, moving_box, say_hdr, tone, write_odd_clip
from PIL import Image

_COUNT, _SECONDS = 10, 0.4
_SIZE = (64, 48)
_COVER = np.full((40, 40, 3), 200, np.uint8)


@dataclass(frozen=True)
class Odd:
    """How one clip is made: `make` gets a path with a common suffix, the file ends up under `suffix`."""

    make: Callable[[Path], object]
    suffix: str = ".mp4"
    container: str | None = None

    def write(self, path: Path) -> None:
        """Writes the clip; `path` ends in the kind's suffix."""
        plain = path.with_name(f"plain{self.container or self.suffix}")
        self.make(plain)
        plain.replace(path)


def _clip(path: Path, images: list | None = None, sounds: tuple[Track, ...] | None = None, **options) -> Path:
    sounds = (Track(tone(_SECONDS)[:, None]),) if sounds is None else sounds
    return write_odd_clip(path, moving_box(_COUNT, _SIZE) if images is None else images, sounds, **options)


def _channels(channels: int) -> Callable[[Path], Path]:
    layout = "mono" if channels == 1 else f"{channels} channels"
    return lambda path: _clip(path, sounds=(Track(lit(channels, channels - 1, _SECONDS), "pcm_s16le", layout),))


def _layout(codec: str, layout: str) -> Callable[[Path], Path]:
    count = av.AudioLayout(layout).nb_channels
    options = {"bit_rate": 96_000 * count} | ({"format": "s16"} if codec in ("flac", "libopus") else {})
    return lambda path: _clip(path, sounds=(Track(lit(count, 0, _SECONDS), codec, layout, options),))


def _transfer(transfer: int, codec: str) -> Callable[[Path], Path]:
    return lambda path: _clip(
        path,
        hdr_frames(np.linspace(0, 1, _COUNT).tolist(), transfer, _SIZE),
        codec=codec,
        pixel_format="yuv420p10le",
        prepare=say_hdr(transfer),
    )


def _fields(order: str) -> Callable[[Path], Path]:
    settings = {**INTERLACED, "options": {**INTERLACED["options"], "field_order": order}}
    return lambda path: _clip(path, interlaced(moving_box(2 * _COUNT, _SIZE)), **settings)


def _fields_of_h264(order: str) -> Callable[[Path], Path]:
    film = interlaced(moving_box(2 * _COUNT, (64, 64)))
    return lambda path: _clip(path, film, options={"x264-params": f"{order}=1"})


def _order(*wanted: str) -> Callable[[Path], None]:
    """Streams in another order, by what they are; one that is named twice is there twice."""

    def make(path: Path) -> None:
        first = _clip(path.with_name(f"first{path.suffix}"))
        with av.open(str(first)) as source, av.open(str(path), "w") as out:
            streams = [getattr(source.streams, kind)[0] for kind in wanted]
            copies = [(stream.index, out.add_stream_from_template(stream)) for stream in streams]
            packets = [(packet.stream.index, bytes(packet), packet) for packet in source.demux() if packet.size]
            for index, data, packet in packets:
                for copy in (copy for of, copy in copies if of == index):
                    again = av.Packet(data)
                    again.pts, again.dts, again.duration = packet.pts, packet.dts, packet.duration
                    again.time_base, again.stream, again.is_keyframe = packet.time_base, copy, packet.is_keyframe
                    out.mux(again)
        first.unlink()

    return make


def _patched(make: Callable[[Path], object], *changes: tuple[bytes, bytes, int]) -> Callable[[Path], None]:
    """`make`, then bytes replaced: (what, by what, which occurrence; -1 for the last)."""

    def patched(path: Path) -> None:
        make(path)
        data = path.read_bytes()
        for what, by, which in changes:
            parts = data.split(what)
            at = which % (len(parts) - 1)
            data = what.join(parts[: at + 1]) + by + what.join(parts[at + 1 :])
        path.write_bytes(data)

    return patched


def _two_sounds(path: Path) -> Path:
    return _clip(path, sounds=(Track(tone(_SECONDS)[:, None]), Track(tone(_SECONDS, 300)[:, None])))


def _slow_motion(path: Path) -> Path:
    ticks = [*range(0, 50, 5), *range(70, 270, 20)]
    return _clip(path, moving_box(20, _SIZE), ticks=ticks, clock=Fraction(1, 600), options={"bf": "2"})


def _animation(path: Path) -> None:
    first, *rest = (Image.fromarray(image) for image in moving_box(_COUNT, _SIZE))
    first.save(path, save_all=True, append_images=rest, duration=[10, 0, 50, *[40] * (_COUNT - 3)])


_LAYOUTS = {
    "aac": ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1"),
    "flac": ("stereo", "quad", "5.1", "6.1", "7.1"),
    "libopus": ("stereo", "3.0", "quad", "5.1", "6.1", "7.1"),
    "pcm_s24le": ("quad", "5.1", "7.1.4", "hexadecagonal", "22.2"),
}
_NAMES = (" it's 50% #1.mp4", "😀.mp4", "电影.mp4", ".mp4.txt", ".", ".tar.gz", ".HTML", "%00.mp4", "$(x).mp4")
_ENDINGS = ("MP4", "MOV", "AVI", "Mkv", "TS")
_TRANSFERS = {"ffv1": (1, 4, 6, 8, 11, 13, 14, 16, 17, 18), "libx265": (1, 14, 16, 18)}

ODD_KINDS: dict[str, Odd] = {
    **{f"channels-{count}": Odd(_channels(count), ".mov") for count in range(1, 65)},
    **{
        f"{codec}-{layout}": Odd(_layout(codec, layout), ".mov" if codec.startswith("pcm") else ".mkv")
        for codec, layouts in _LAYOUTS.items()
        for layout in layouts
    },
    **{
        f"{codec}-transfer-{transfer}": Odd(_transfer(transfer, codec), ".mkv" if codec == "ffv1" else ".mp4")
        for codec, transfers in _TRANSFERS.items()
        for transfer in transfers
    },
    **{f"fields-{order}": Odd(_fields(order), ".mkv") for order in ("progressive", "tt", "bb", "tb", "bt")},
    **{f"h264-{order}": Odd(_fields_of_h264(order)) for order in ("tff", "bff")},
    "cover-first": Odd(lambda path: _clip(path, first=("mjpeg", _COVER)), ".mkv"),
    "sound-first": Odd(_order("audio", "video")),
    "two-films": Odd(_order("video", "video", "audio"), ".mkv"),
    "two-films-and-sounds": Odd(_order("audio", "video", "audio", "video")),
    "only-sound": Odd(_order("audio")),
    "first-sound-unknown": Odd(_patched(_two_sounds, (b"mp4a", b"apac", 0), (b"esds", b"dapa", 0)), ".mov"),
    "second-sound-unknown": Odd(_patched(_two_sounds, (b"mp4a", b"apac", 3), (b"esds", b"dapa", -1)), ".mov"),
    "only-sound-unknown": Odd(_patched(_clip, (b"mp4a", b"apac", 0), (b"esds", b"dapa", 0)), ".mov"),
    "film-unknown": Odd(_patched(_clip, (b"avc1", b"zzzz", -1))),
    "slow-motion": Odd(_slow_motion),
    **{f"animated-{kind}": Odd(_animation, f".{kind}") for kind in ("gif", "webp", "png")},
    **{f"ending-{ending}": Odd(_clip, f".{ending}", f".{ending.lower()}") for ending in _ENDINGS},
    "ending-none": Odd(_clip, "", ".mov"),
    "ending-wrong": Odd(_clip, ".avi", ".mkv"),
    **{f"name-{number}": Odd(_clip, name, ".mp4") for number, name in enumerate(_NAMES)},
    "rate": Odd(lambda path: _clip(path, sounds=(Track(tone(_SECONDS)[:, None], "libmp3lame"),)), ".avi"),
}
