"""Retrieval: from a history to candidates. Each retriever is one file, one contract, one folder of a release."""
