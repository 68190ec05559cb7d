"""A guided talk: stops with a headline, two sentences and a question, each a link to a page."""
