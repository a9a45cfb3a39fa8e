"""How a configuration becomes data: files and keys opened, read and checked."""
