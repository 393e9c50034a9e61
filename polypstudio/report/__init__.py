"""Records and claims -> HTML, LaTeX, CSV. Everything here returns text; who asked for it writes the files."""
