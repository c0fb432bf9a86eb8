"""What is asked of the core while it is watched: one file a workload, each with its own check."""
