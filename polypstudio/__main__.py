"""`python -m polypstudio`: the same as the console script."""

import sys

from polypstudio.cli import main

sys.exit(main())
