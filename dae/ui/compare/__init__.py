"""The Compare page: metrics of models and classical filters on the same noisy test images."""
