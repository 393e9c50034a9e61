"""What each verb of the command line does: options in, an answer out (the object that ``--json`` prints).

Every module here is imported when the parser is built, so heavy imports stay inside the functions.
"""
