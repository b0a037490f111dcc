"""What users hand in: arrays, data frames and options, with every check and its message."""
