"""Examples and the immutable dataset versions made from them."""
