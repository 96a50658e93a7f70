"""Campaigns: fuzzed inputs and kills of commands, each for as long as wanted; see run.py."""
