"""ComfyUI nodes. Link or copy this folder into ComfyUI's `custom_nodes`; rhythmic-foley must be installed there."""

from rhythmic_foley.integrations.comfyui.nodes import DubNode, ExportNode

NODE_CLASS_MAPPINGS = {"RhythmicFoleyDub": DubNode, "RhythmicFoleyExport": ExportNode}
NODE_DISPLAY_NAME_MAPPINGS = {
    "RhythmicFoleyDub": "Rhythmic Foley: dub",
    "RhythmicFoleyExport": "Rhythmic Foley: export",
}
