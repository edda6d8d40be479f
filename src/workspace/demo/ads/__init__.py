"""The advertising platforms of the simulated company: what they know, and the HTTP by which they tell it."""
