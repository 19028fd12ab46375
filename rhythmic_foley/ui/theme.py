"""Colours, fonts and spacing: one accent, light and dark, nothing fetched from elsewhere."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STYLE = Path(__file__).with_name("style.css")
_UPLOADS = Path(__file__).with_name("uploads.js").read_text(encoding="utf-8")
# Not in the style sheet, whose rules Gradio confines to what lies inside this element.
HEAD = f"""<script>{_UPLOADS}</script><style>@media (max-width: 640px) {{
  .gradio-container > .main {{ padding: 0.8rem !important; }}
  footer .divider {{ display: none; }} /* what it divides is not shown there */
}}</style>"""

ACCENT = "#0d9488"
_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_MONO_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")


def build_theme() -> gr.themes.Base:
    """Gradio's plain theme in teal on grey with the fonts of the visitor's system."""
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.zinc,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
        font=[gr.themes.Font(name) for name in _SYSTEM_FONTS],
        font_mono=[gr.themes.Font(name) for name in _MONO_FONTS],
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_weight="500",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        # Quiet beside the one accent, like the buttons of the timeline and of the comparison.
        button_secondary_background_fill="*block_background_fill",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*block_background_fill",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*border_color_primary",
        button_secondary_border_color_dark="*border_color_primary",
        button_cancel_background_fill="*block_background_fill",
        button_cancel_background_fill_hover="*neutral_100",
        button_cancel_background_fill_dark="*block_background_fill",
        button_cancel_background_fill_hover_dark="*neutral_800",
        button_cancel_border_color="*border_color_primary",
        button_cancel_border_color_dark="*border_color_primary",
        button_cancel_text_color="#b91c1c",
        button_cancel_text_color_dark="#fca5a5",
        button_border_width="1px",
        button_large_text_weight="500",
        button_medium_text_weight="500",
        button_small_text_weight="500",
        slider_color="*primary_600",
        slider_color_dark="*primary_500",
    )
