"""Text classification as a product: a table in, a classifier that is served without torch and a report out."""
