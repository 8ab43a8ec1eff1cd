"""Pictures: where they come from, how they are prepared once, and which are drawn for what."""
