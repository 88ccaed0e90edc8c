"""The data product gateway: serves a folder of ODPS and ODCS documents and sample data over HTTP. See README.md."""
