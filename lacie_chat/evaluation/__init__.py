"""Files of questions, answered and measured without torch: for `evaluate`, `compare --questions` and fits."""
