"""The schema's history, one file per step in `versions`; shipped with the package and run by `Database.upgrade`."""
