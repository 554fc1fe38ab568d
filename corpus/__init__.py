"""What was said, and what did people code? Records, readers, codings, units. No machine learning."""
