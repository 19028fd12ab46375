"""Which of a file's streams are the clip's picture and its sound, and what a person should know about that choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from rhythmic_foley.audio.channels import placed
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.runtime.isolation import decoder_call
from rhythmic_foley.values.limits import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ, check_streams

WANTED = "use an MP4, MOV, WebM, MKV or AVI file"
# Where a file is cut off. IndexError: at the end PyAV stumbles over streams that only show up on the way, as in FLV.
CUT_OFF = (av.error.InvalidDataError, IndexError)
_TRIED_PACKETS = 50  # of a sound track, until one of them decodes


@dataclass(frozen=True)
class StreamChoice:
    """A stream by its index in the file, None if there is none of use, and sentences for the person."""

    index: int | None
    notes: tuple[str, ...] = ()


def choose_picture(name: str, container: InputContainer) -> StreamChoice:
    """The first stream with moving pictures; a picture of one frame (a cover) only if there is nothing else.

    Raises:
        FoleyError: if there is no picture that can be decoded, or far too many streams.
    """
    check_streams(name, len(container.streams))
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.still_image
    videos = [stream for stream in container.streams.video if not stream.disposition & still]
    if not videos and container.streams.audio:
        raise FoleyError(f"{name} has sound but no picture; choose a video.")
    usable = [stream for stream in videos if stream.codec_context is not None and stream.time_base]
    if not usable:
        raise FoleyError(f"{name} holds no moving picture that can be read; {WANTED}.")
    chosen = usable[0] if len(usable) == 1 else _first_that_moves(container, usable)
    notes = [
        f"Picture stream {stream.index} cannot be decoded and was passed over."
        for stream in videos
        if stream not in usable
    ]
    if chosen is not usable[0]:
        notes.append(f"Picture stream {usable[0].index} is a single picture and was passed over.")
    return StreamChoice(chosen.index, tuple(notes))


def _first_that_moves(container: InputContainer, videos: Sequence[VideoStream]) -> VideoStream:
    """The first of the streams that has a second frame; the first of all if none has."""
    times: dict[int, set[int]] = {stream.index: set() for stream in videos}
    for packet in _packets(container, videos):
        times[packet.stream_index].add(packet.dts if packet.pts is None else packet.pts)
        if len(times[videos[0].index]) > 1:
            break
    return next((stream for stream in videos if len(times[stream.index]) > 1), videos[0])


def choose_sound(container: InputContainer) -> StreamChoice:
    """The track that a player would choose if it decodes, otherwise the first that does.

    The container's decoders have been tried afterwards; open the file again to read from the start.
    """
    tracks = list(container.streams.audio)
    best = container.streams.best("audio")
    tracks.sort(key=lambda track: track is not best)  # stable: the others keep their order
    problems = {track: problem for track in tracks if (problem := _problem(track))}
    chosen = None
    for track in tracks:
        if track in problems:
            continue
        found = _trial(container, track)
        if found is None:
            continue  # it has no packets
        if found:
            chosen = track
            break
        problems[track] = "cannot be decoded"
    what = "was passed over" if chosen is not None else "is not used, so that the clip counts as silent"
    notes = tuple(
        f"Sound track {track.index} {problems[track]} and {what}."
        for track in container.streams.audio
        if track in problems
    )
    if chosen is None:
        return StreamChoice(None, notes)
    if not placed([channel.name for channel in chosen.layout.channels]):
        notes += (f"The {chosen.channels} channels of the sound do not say where they belong; they are averaged.",)
    return StreamChoice(chosen.index, notes)


def _problem(track: AudioStream) -> str:
    """Why a track is of no use, as far as one sees without decoding it; nothing if it seems to be."""
    if track.codec_context is None:
        return "is in a format that has no decoder here"
    if not MIN_RATE_HZ <= track.rate <= MAX_RATE_HZ:
        return f"has {track.rate} samples a second ({MIN_RATE_HZ} to {MAX_RATE_HZ} can be read)"
    if not 1 <= track.channels <= MAX_CHANNELS:
        return f"has {track.channels} channels (1 to {MAX_CHANNELS} can be read)"
    return ""


def _trial(container: InputContainer, track: AudioStream) -> bool | None:
    """Whether one of the track's first packets decodes; None if it has no packets."""
    with suppress(av.error.FFmpegError):  # what cannot be sought has been read up to here at most by another trial
        container.seek(0)
    tried = None
    for packet in islice(_packets(container, [track]), _TRIED_PACKETS):
        tried = False
        try:
            with decoder_call():
                if track.decode(packet):
                    return True
        except av.error.FFmpegError:
            continue
    if tried is None:
        return None
    try:
        return bool(track.decode(None))  # some decoders give their first frame when they are told to end
    except av.error.FFmpegError:
        return False


def _packets(container: InputContainer, streams: Sequence[av.stream.Stream]) -> Iterator[av.Packet]:
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, *CUT_OFF):
            return
        if packet.size:
            yield packet
