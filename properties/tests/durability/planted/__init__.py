"""Workers with a bug put in: what they do must be caught, or named, or unknown."""
