"""Which addresses an export may be sent to: the vendor's, by https, never into a private network.

Enters: a URL that configuration names. Leaves: nothing, or BadConfig (fault S12). A connection that
somebody changed must not make the exporter post customers to a stranger, or knock at an address
that only this machine can reach, such as a cloud's metadata server.

What it cannot see: a name that answers with another address a moment later.

Worked example: `hubspot://:TOKEN@169.254.169.254` is refused, however the address is written.

>>> allowed("http://127.0.0.1:8080", "[destinations.crm]", test_host=True)
>>> allowed("https://hubapi.com.evil.example", "[destinations.crm]", hosts=("hubapi.com",))
Traceback (most recent call last):
...
churn_ml.errors.BadConfig: an export may not be sent to this host | where: [destinations.crm] ...
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from churn_ml.errors import BadConfig, Unreachable

_OWN = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""The ranges that a network of one's own has: RFC 1918 and RFC 4193."""


def resolved(host: str) -> list[str]:
    """Every address that `host` has now; raises OSError where there is none."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None)]


def allowed(
    url: str,
    where: str,
    *,
    hosts: Sequence[str] = (),
    test_host: bool = False,
    private_network: bool = False,
    resolve: Callable[[str], Sequence[str]] = resolved,
) -> None:
    """Raise BadConfig where nothing may be sent to `url`, Unreachable where nobody knows its host.

    Parameters: `where`, the section of churn.toml that led there; `hosts`, the domains of the
    vendor, any public one where empty; `test_host`, what the section says: it lets the host be this
    very machine, without https; `private_network`, what the section says of a CRM that the shop
    runs itself: it lets the host be in a network of the shop's own, by https; `resolve`, host ->
    addresses.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if test_host and is_this_machine(host):
        return
    if parts.scheme != "https":
        said = parts.scheme or "no scheme"
        raise _refused("an export is sent by https alone", where, said, expected="https")
    if hosts and not any(host == own or host.endswith(f".{own}") for own in hosts):
        theirs = ", ".join(hosts)
        raise _refused("an export may not be sent to this host", where, host, expected=theirs)
    try:
        addresses = resolve(host)
    except (OSError, UnicodeError):
        raise Unreachable(
            f"the host {host!r} is not known",
            where=where,
            next_step="correct the connection's host, or run again when names resolve",
        ) from None
    if not addresses or not all(_is_there(a, private_network) for a in addresses):
        own = "" if hosts else ", or of the shop's own network with private_network = true"
        private = "an export is not sent into a private network"
        raise _refused(private, where, host, expected=f"a public host{own}")


def _refused(what: str, where: str, got: str, *, expected: str) -> BadConfig:
    return BadConfig(
        what,
        where=where,
        got=got[:80],
        expected=expected,
        next_step="correct the connection; test_host = true is for a CRM on this machine, in tests",
    )


def is_this_machine(host: str) -> bool:
    """Whether the host is this very machine, as it is written.

    >>> is_this_machine("127.0.0.1"), is_this_machine("api.hubapi.com")
    (True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_there(address: str, private_network: bool) -> bool:
    """Whether the address is public or, where that is allowed, of a network of the shop's own.

    This machine and link-local addresses, where clouds keep secrets, are neither.
    """
    found = ip_address(address.partition("%")[0])
    if private_network and any(
        found in network for network in _OWN if network.version == found.version
    ):
        return True
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        return found.is_global and (inner is None or inner.is_global)
    return found.is_global and not found.is_multicast
