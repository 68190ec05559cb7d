"""The Imagine view of the Explore page: samples of a denoiser's prior, and the filters it applies."""
