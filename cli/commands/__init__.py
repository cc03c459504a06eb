"""The commands, one module per capability. Each is imported only when it is run."""
