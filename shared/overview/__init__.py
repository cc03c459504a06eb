"""What an administrator sees at a glance: what was done, how long it took, and what needs a decision."""
