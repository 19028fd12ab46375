"""Where a Hugging Face Space starts: the app on the embedded model."""

try:
    import spaces  # noqa: F401  (on ZeroGPU this must come before torch)
except ImportError:
    pass

from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.ui import launch

if __name__ == "__main__":
    launch(Studio("mini"))
