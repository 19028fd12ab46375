"""The app: one page that goes from a clip to dubbed takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr

    from rhythmic_foley.studio import Studio

QUEUE_LENGTH = 16


def build_app(studio: Studio) -> gr.Blocks:
    """The page and its API endpoints `/analyse` and `/dub`, working on `studio`."""
    from rhythmic_foley.ui.layout import build_app as build

    return build(studio)


def launch(studio: Studio, *, server_name: str | None = None, server_port: int | None = None, **options: Any) -> Any:
    """Serve the app until it is stopped.

    Args:
        server_name: address to listen on; 127.0.0.1 unless GRADIO_SERVER_NAME says otherwise.
        server_port: port; the first free one from 7860 on.
        options: anything else that `gradio.Blocks.launch` takes, such as share, inbrowser, root_path.

    Returns:
        What Gradio's launch returns: (app, local address, public address).
    """
    from rhythmic_foley.ui.handlers import examples
    from rhythmic_foley.ui.layout import MAX_UPLOAD_MB
    from rhythmic_foley.ui.theme import HEAD, STYLE, build_theme

    settings = {
        "theme": build_theme(),
        "css_paths": STYLE,
        "head": HEAD,
        "footer_links": ["api", "settings"],
        "allowed_paths": [str(path) for path in examples()],
        "max_file_size": f"{MAX_UPLOAD_MB}mb",
        # The browser would keep links to files that are long deleted.
        "run_history": False,
        # What is for people comes as gr.Error or gr.Warning; anything else belongs in the log.
        "show_error": False,
        **options,
    }
    # On ZeroGPU no length at all silently means a queue of one.
    page = build_app(studio).queue(max_size=QUEUE_LENGTH)
    return page.launch(server_name=server_name, server_port=server_port, **settings)
