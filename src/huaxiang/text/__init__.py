"""Texts of a shop, Chinese and English: language, words, keywords, tags, sentiment, what the encoder reads."""
