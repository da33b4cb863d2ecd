"""What samples become beside being drawn: reworded, set on a ladder, cut at a threshold."""
