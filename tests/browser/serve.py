"""The app for the browser tests: python serve.py PORT FOLDER. On networks of toy size, so that a take is quick.

Beside the toy stands a second model of the kind of Diff-Foley, which has a classifier. The same page also lies behind
a sub-path, `/foley` on another port, which `FOLDER/sub-path` names.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

SUB_PATH = "/foley"


def main(port: int, folder: Path) -> None:
    """Serve until killed."""
    from toy import save_toy_checkpoint
    from weights.tiny import save_tiny_diff_foley

    from rhythmic_foley.studio.studio import Studio
    from rhythmic_foley.ui import launch

    models = Path(tempfile.mkdtemp(dir=folder))  # a new one if it must be started again
    os.environ["RHYTHMIC_FOLEY_CHECKPOINTS"] = str(models)
    save_tiny_diff_foley(folder, models / "diff-foley")
    studio = Studio(save_toy_checkpoint(models / "toy"))
    serve_below(studio, folder)
    launch(studio, server_name="127.0.0.1", server_port=port)


def serve_below(studio: object, folder: Path) -> None:
    """The page as a part of another site, from a thread of its own."""
    import gradio as gr
    import uvicorn
    from fastapi import FastAPI, Response

    from rhythmic_foley.ui import build_app, serving

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outer = FastAPI()
    outer.add_api_route("/favicon.ico", lambda: Response(status_code=204))  # which browsers ask of the host itself
    site = gr.mount_gradio_app(outer, build_app(studio, ()), path=SUB_PATH, **serving())
    (folder / "sub-path").write_text(f"http://127.0.0.1:{port}{SUB_PATH}")
    # Only served there: Gradio builds one page at a time.
    serve = {"host": "127.0.0.1", "port": port, "log_level": "warning"}
    threading.Thread(target=uvicorn.run, args=(site,), kwargs=serve, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
