"""The page for phones and its requests."""
