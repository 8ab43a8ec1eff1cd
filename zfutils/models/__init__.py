"""Nets: architectures, recipes, checkpoints, what goes into a net and what comes out."""
