"""Sound: log-mel and back, loudness, sound files, onsets in sound, mixing, mel pictures."""

from typing import TYPE_CHECKING

from rhythmic_foley.lazy import lazy_face

if TYPE_CHECKING:
    from rhythmic_foley.audio.loudness import as_loud_as as as_loud_as
    from rhythmic_foley.audio.loudness import loudness_lufs as loudness_lufs
    from rhythmic_foley.audio.loudness import normalise_loudness as normalise_loudness
    from rhythmic_foley.audio.mel import HOP as HOP
    from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ as MEL_FRAME_RATE_HZ
    from rhythmic_foley.audio.mel import N_FFT as N_FFT
    from rhythmic_foley.audio.mel import N_MELS as N_MELS
    from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ as SAMPLE_RATE_HZ
    from rhythmic_foley.audio.mel import log_mel as log_mel
    from rhythmic_foley.audio.mel import mel_matrix as mel_matrix
    from rhythmic_foley.audio.mel import mel_to_wave as mel_to_wave
    from rhythmic_foley.audio.onset_detection import attack_times as attack_times
    from rhythmic_foley.audio.onset_detection import detect_onsets as detect_onsets
    from rhythmic_foley.audio.signal import resample as resample
    from rhythmic_foley.audio.wav import read_wav as read_wav
    from rhythmic_foley.audio.wav import write_wav as write_wav

__getattr__ = lazy_face(
    __name__,
    {
        "SAMPLE_RATE_HZ": "mel",
        "HOP": "mel",
        "N_FFT": "mel",
        "N_MELS": "mel",
        "MEL_FRAME_RATE_HZ": "mel",
        "log_mel": "mel",
        "mel_to_wave": "mel",
        "mel_matrix": "mel",
        "loudness_lufs": "loudness",
        "normalise_loudness": "loudness",
        "as_loud_as": "loudness",
        "read_wav": "wav",
        "write_wav": "wav",
        "resample": "signal",
        "detect_onsets": "onset_detection",
        "attack_times": "onset_detection",
    },
)
