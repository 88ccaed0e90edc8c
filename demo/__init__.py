"""Climate Quantum, the demo mesh: sixteen data products of many owners, each behind its own gateway.

The folders hold documents and data only; `loading` reads `mesh.yaml`, `serve` starts the gateways.
"""
