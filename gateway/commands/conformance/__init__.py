"""The conformance kit: does an address, ours or not, answer as docs/gateway-protocol.md says?"""
