"""Entry of the Hugging Face Space and of `python app.py`: the studies that ship with the source, as a public demo."""

from __future__ import annotations

from polypstudio.store.paths import bundled_studies
from polypstudio.ui.server import serve

if __name__ == "__main__":
    serve(bundled_studies(), host="0.0.0.0", port=7860, demo=True)
