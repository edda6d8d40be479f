"""What the declarations promise about the data, as checks."""
