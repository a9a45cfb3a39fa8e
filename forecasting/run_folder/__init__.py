"""The output folder: which files it holds, and how they are written whole, recorded and checked."""
