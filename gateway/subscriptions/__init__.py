"""Events delivered to those who asked: CloudEvents, signed as Standard Webhooks, tried again on failure."""
