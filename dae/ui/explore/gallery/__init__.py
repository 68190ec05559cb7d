"""Gallery of the Explore and Start pages: a batch of images at every noise level, denoised by each model."""
