"""The game on the projector, and the controls of the presenter."""
