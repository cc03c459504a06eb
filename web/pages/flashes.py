"""The kinds of messages that one page leaves for the next."""

# What the person just did has worked; every page shows it.
DONE = "done"
# Something to know; every page shows it.
NOTE = "note"
# A file that could not be used; shown where files were sent.
PROBLEM = "problem"
# What to do first, for a form that was sent empty.
HINT = "hint"
# The last answer of a reviewer, or that it was taken back; shown above the next photo.
REVIEWED = "reviewed"
