"""A whole estate as text that is kind to diff: written, read, and compared with what exists."""
