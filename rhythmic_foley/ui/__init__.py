"""The app: one page that goes from a clip to dubbed takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import gradio as gr

    from rhythmic_foley.studio.studio import Studio

# Fifty visitors at once and some more. On ZeroGPU no length at all silently means a queue of one.
QUEUE_LENGTH = 64


def build_app(studio: Studio, models: Sequence[str] | None = None) -> gr.Blocks:
    """The page and its API endpoints `/analyse` and `/dub`.

    Args:
        studio: works unless another model is chosen.
        models: names of all models that can be chosen; by default those that lie beside the studio's.
    """
    from rhythmic_foley.pipeline.loading import available
    from rhythmic_foley.ui.layout import build_app as build

    return build(studio, available() if models is None else models).queue(max_size=QUEUE_LENGTH)


def serving() -> dict[str, Any]:
    """What `gradio.Blocks.launch` and `gradio.mount_gradio_app` must both be told about this page."""
    from rhythmic_foley.ui.request_filter import Gate
    from rhythmic_foley.ui.theme import HEAD, STYLE, build_theme
    from rhythmic_foley.ui.visitor_space import VisitorSpace, upload_folder
    from rhythmic_foley.values.limits import MAX_UPLOAD_MB

    folder = upload_folder()
    space = VisitorSpace([folder / "visits", folder])
    return {
        "theme": build_theme(),
        "css_paths": STYLE,
        "head": HEAD,
        "footer_links": ["api", "settings"],
        "max_file_size": f"{MAX_UPLOAD_MB}mb",
        "app_kwargs": {"middleware": [(Gate, (), {"has_room": space.has_room})]},
        # The browser would keep links to files that are long deleted.
        "run_history": False,
        # What is for people comes as gr.Error or gr.Warning; anything else belongs in the log.
        "show_error": False,
    }


def launch(studio: Studio, *, server_name: str | None = None, server_port: int | None = None, **options: Any) -> Any:
    """Serve the app until it is stopped; what visitors bring is decoded in processes of its own.

    Args:
        server_name: address to listen on; 127.0.0.1 unless GRADIO_SERVER_NAME says otherwise.
        server_port: port; the first free one from 7860 on.
        options: anything else that `gradio.Blocks.launch` takes, such as share, inbrowser, root_path.

    Returns:
        What Gradio's launch returns: (app, local address, public address).
    """
    from rhythmic_foley.runtime.isolation import isolate_readers
    from rhythmic_foley.ui.gpu import is_borrowed
    from rhythmic_foley.ui.network import reach_self_directly

    isolate_readers()
    reach_self_directly(server_name)
    page = build_app(studio)
    if is_borrowed():
        _ = studio.pipeline  # processes that borrow a GPU must be born with the networks
    stays = not options.pop("prevent_thread_lock", False)
    where = {"server_name": server_name, "server_port": server_port, "prevent_thread_lock": True}
    served = page.launch(**where, **{**serving(), **options})
    # The first visitor need not wait for the networks. They come after the server, which Gradio gives up unless it
    # answers within seconds.
    threading.Thread(target=lambda: studio.pipeline, daemon=True).start()
    if stays:
        page.block_thread()
    return served
