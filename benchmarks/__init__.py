"""Speed and quality beside peers, each result with machine, data and commit."""
