"""Runs jobs as real processes of this machine, each below a supervisor that outlives the controller.

The modules that run inside the starter and the supervisors (``starter``, ``supervisor``, ``script``, ``spool``,
``processes``, ``wire``) import nothing but modules written in C: every page a Python process owns is copied when it
forks, and they fork for every run.
"""
