"""Records -> Plotly figures, one look for all."""
