"""The kinds of messages that one page leaves for the next."""

# What the person just did has worked; every page shows it.
DONE = "done"
