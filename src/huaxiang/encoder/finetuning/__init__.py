"""Step 4: fine-tuning an encoder for a task, by any method, within a budget."""
