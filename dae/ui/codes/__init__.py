"""The part of the Explore page that looks inside models: their latent codes and what these contain."""
