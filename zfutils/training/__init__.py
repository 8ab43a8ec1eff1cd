"""Training: one net, all nets of a run, and nets from scratch."""
