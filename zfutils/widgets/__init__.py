"""What moves: ipywidgets over the library, which knows nothing of them; no mathematics of its own."""
