"""The applications on top of profiles and the pipeline; strangers to each other."""
