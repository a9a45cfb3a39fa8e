"""The output folder: claimed, staged, recorded, checked."""
