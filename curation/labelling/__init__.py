"""Turn decisions into data: accept labels, move files, purge the pool, exchange with Label Studio and CVAT."""
