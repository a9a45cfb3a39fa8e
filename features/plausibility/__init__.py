"""Whether data that are well formed are plausible: who vanishes, jumps, or counts twice."""
