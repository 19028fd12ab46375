"""Clips in and out, through PyAV: what a clip is, its frames and sound, and the video that is written."""

from typing import TYPE_CHECKING

from rhythmic_foley.lazy import lazy_face

if TYPE_CHECKING:
    from rhythmic_foley.media.muxing import MuxReport as MuxReport
    from rhythmic_foley.media.muxing import mux as mux
    from rhythmic_foley.media.reading import probe as probe
    from rhythmic_foley.media.reading import read_audio as read_audio
    from rhythmic_foley.media.reading import read_frames as read_frames

__getattr__ = lazy_face(
    __name__,
    {
        "probe": "reading",
        "read_frames": "reading",
        "read_audio": "reading",
        "mux": "muxing",
        "MuxReport": "muxing",
    },
)
