"""`python -m rhythmic_foley` is the command `rhythmic-foley`."""

from __future__ import annotations

import sys

from rhythmic_foley.cli import main

if __name__ == "__main__":
    sys.exit(main())
