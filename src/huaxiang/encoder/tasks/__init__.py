"""What an encoder can be fine-tuned for, a task being one short file: its data, head, loss and metrics.

`base` is the contract. A new task is a class that keeps it; `huaxiang.encoder.finetuning.loop.fit` does the rest.
"""
