"""What checks and passes are given: the notebook, its flow, and what its calls do."""
