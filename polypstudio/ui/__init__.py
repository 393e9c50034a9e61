"""The dashboard and the reading app: the only package that knows Gradio. Imports no torch."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: nothing leaves the machine
