"""From a question to one Ibis expression."""
