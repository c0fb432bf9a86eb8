"""The verdict: records, their comparison, and the gate. It imports nothing of ours."""
