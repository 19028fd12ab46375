"""The diffusion pipeline: conditions in, mel and waveform out; and how it is loaded from a checkpoint."""

from typing import TYPE_CHECKING

from rhythmic_foley.lazy import lazy_face

if TYPE_CHECKING:
    from rhythmic_foley.pipeline.loading import find_checkpoint as find_checkpoint
    from rhythmic_foley.pipeline.loading import load_pipeline as load_pipeline
    from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline as RhythmicFoleyPipeline
    from rhythmic_foley.pipeline.pipeline import Step as Step
    from rhythmic_foley.pipeline.window_request import WindowRequest as WindowRequest

__getattr__ = lazy_face(
    __name__,
    {
        "RhythmicFoleyPipeline": "pipeline",
        "Step": "pipeline",
        "WindowRequest": "window_request",
        "load_pipeline": "loading",
        "find_checkpoint": "loading",
    },
)
