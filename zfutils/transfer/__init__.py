"""Transfer to other pictures: features on disk, linear probes, experiments."""
