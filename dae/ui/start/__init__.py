"""The Start page: one question, one model, and the way to the other pages."""
