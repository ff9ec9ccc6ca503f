"""Nova: telling it of its servers' ports, and comparing the two."""
