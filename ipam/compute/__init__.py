"""Nova: sends it events about its servers' ports, and compares servers with ports."""
