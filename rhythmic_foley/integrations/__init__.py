"""Where people already work: an MCP server, ComfyUI nodes, a watched folder."""
