"""What belongs to a person: handed out as an archive, and erased for good."""
