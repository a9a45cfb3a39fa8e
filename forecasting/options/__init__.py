"""Which options a run has, and how they are read from Python, YAML and the command line."""
