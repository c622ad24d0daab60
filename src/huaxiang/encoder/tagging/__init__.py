"""Tags in texts: spans such as a brand or a product type in a title; reading, decoding, judging and training them."""
