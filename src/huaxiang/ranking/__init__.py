"""Step 6, second stage: what may be shown, how well it fits the profile, and why."""
