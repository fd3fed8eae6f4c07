"""What `objective_proofs.py` measures: every objective against its paper, over processes, and in little memory."""
