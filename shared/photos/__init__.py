"""Photos: validation at the edge, and the one rule that turns stored bytes into network input."""
