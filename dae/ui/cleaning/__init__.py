"""Clean this image: what the Explore page offers for images that are noisy already."""
