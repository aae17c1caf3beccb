"""The schema's history, one file per step in `versions`; shipped with the package and run by `Database.upgrade`.

A new step is a file `NNNN_name.py` there, with its `revision` and the one before it as `down_revision`, and the same
change in `iotops.store.tables`: a test compares what all steps make with what the tables say. Steps that
shipped never change.
"""
