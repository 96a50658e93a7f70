"""Views: a picture seen through a window, or turned by a few degrees, to find crops, frames and turned copies."""
