"""Which questions a run is made of: the sets, the screening, everyday prompts."""
