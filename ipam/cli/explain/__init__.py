"""Why a machine has its address, or does not get one: facts, the decision on them, the screen."""
