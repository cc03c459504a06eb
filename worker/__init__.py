"""Background work: claims jobs from the database and carries them out."""
