"""What the processes of a run do; each is started by its module name, through `preload`."""
