"""The real thing beside the simulation: processes that commit, checkpoint, are killed, re-read."""
