"""The first instrument: what a transition does, counted in lock-step under the simulation."""
