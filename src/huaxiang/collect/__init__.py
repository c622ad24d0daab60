"""Step 1: payloads in. Dialects, file importers, identity, consent, the catalogue; checks once, at the edge."""
