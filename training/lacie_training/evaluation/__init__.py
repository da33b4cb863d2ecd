"""What an evaluated run amounts to: figures, report, other listeners, the run's calibrator."""
