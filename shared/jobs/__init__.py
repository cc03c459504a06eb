"""Jobs: the states, the rows and the wake-up messages."""
