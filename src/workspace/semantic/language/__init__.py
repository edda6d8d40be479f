"""What is written: datasets, metrics, stretches of time, and the words that a question is made of."""
