"""A WeChat Pay platform to try things on: orders, payers, notifications and refunds of APIv3 Native.

Written from the protocol description alone; it shares no code with the programs it is meant to test.
"""
