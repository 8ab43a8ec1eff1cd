"""What every other package stands on: errors, progress, cores, processes, files, keys and profiles."""
