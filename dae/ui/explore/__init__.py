"""The Explore page: denoised images of a data set or of the user, at every noise level."""
