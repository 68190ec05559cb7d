"""A game for the phones of an audience: guess a noisy digit, or draw one for the wall."""
