"""The command line: one file per noun, loaded when it is used. It may import every package."""
