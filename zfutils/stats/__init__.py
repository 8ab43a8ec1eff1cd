"""Statistics without nets: intervals, bootstraps and rankings."""
