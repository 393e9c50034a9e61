"""PolypStudio: does a synthetic colonoscopy image that looks right also mean the right thing?"""

__version__ = "0.1.0"
