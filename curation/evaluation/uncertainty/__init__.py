"""How sure a measured number is: intervals, tests of a change, and several tests at once."""
