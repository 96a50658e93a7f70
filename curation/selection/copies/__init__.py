"""What the selection makes of copies: label conflicts, what is lost to copies, and how a left-out image comes back."""
