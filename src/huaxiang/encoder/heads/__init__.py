"""Classical parts of a classifier: n-gram features and linear heads, saved as JSON + safetensors, served by numpy."""
