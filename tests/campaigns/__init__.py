"""Campaigns: fuzzed inputs, kills and pairs of commands, each for as long as wanted; see run.py."""
