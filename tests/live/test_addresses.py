"""The address rule, as a table: what is not public unicast is refused unless the operator named its network."""

import pytest

from marketplace.live.addresses import address_allowed, networks

words = str.split

REFUSED = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.255 168.63.129.16
169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1
198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1
3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1 fe80::1%eth0 2606:4700::1111%1
localhost 127.1 2130706433 0x7f000001 1.2.3 1.2.3.4.5 a::b::c
""")

ALLOWED = words("""
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 128.0.0.1 169.253.1.1 172.15.255.255 172.32.0.1
192.0.1.1 192.167.1.1 192.169.0.1 198.17.1.1 198.20.0.1 223.255.255.255 2606:4700:4700::1111 2a00:1450:4001::1
2620:fe::fe
""")


@pytest.mark.parametrize("ip", REFUSED)
def test_addresses_inside_or_special_are_refused(ip: str) -> None:
    assert not address_allowed(ip)


@pytest.mark.parametrize("ip", ALLOWED)
def test_public_addresses_are_allowed(ip: str) -> None:
    assert address_allowed(ip)


def test_the_operator_allows_a_network_by_name_and_nothing_beside_it() -> None:
    allowed = networks(["127.0.0.1/32", "10.1.0.0/16", "fd00:1::/64"])
    assert address_allowed("127.0.0.1", allowed)
    assert address_allowed("10.1.255.255", allowed)
    assert address_allowed("fd00:1::5", allowed)
    assert not address_allowed("127.0.0.2", allowed)
    assert not address_allowed("10.2.0.0", allowed)
    assert not address_allowed("fd00:2::5", allowed)
    assert not address_allowed("::ffff:127.0.0.1", allowed)


def test_a_network_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match=r"10\.1\.0\.0/99"):
        networks(["10.1.0.0/99"])
