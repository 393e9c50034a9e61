"""One module a tab; each has `build(context)`, called inside its `gr.Tab`."""
