"""The address that phones open, and whether they can."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import segno
import streamlit as st

from dae.ui.shell import auth

PATH = "play"
HOW_TO_OPEN = "DAE_PRESENTER_KEY=choose-a-key streamlit run dashboard.py --server.address=0.0.0.0"


@dataclass(frozen=True)
class PhoneAddress:
    """Address of the game for phones.

    Attributes:
        problem: why they cannot, and what to do; empty if they can.
        can_rehearse: whether the presenter can play alone, in other tabs of this computer.
    """

    url: str
    problem: str = ""
    can_rehearse: bool = False


def find_phone_address() -> PhoneAddress:
    """Return the address for phones, from the address of the presenter's browser and the options of the server."""
    return phone_address(st.context.url or "http://localhost", st.get_option("server.address"), bool(auth.key()))


def phone_address(page_url: str, server_address: str | None, has_key: bool) -> PhoneAddress:
    """Return the address for phones.

    Args:
        page_url: of the page in the presenter's browser.
        server_address: that the server listens on, None for all.
        has_key: whether there is a presenter key.
    """
    parts = urlsplit(page_url)
    host, base = parts.hostname or "localhost", parts.path.rstrip("/")
    is_local = server_address is not None and _is_loopback(server_address)
    # A proxy passes visitors on to a server that listens on localhost.
    if is_local and _is_loopback(host):
        problem = (
            "The server accepts connections from this computer only, so phones cannot reach it. Stop the server, and "
            "start it with"
        )
        return PhoneAddress(_url(parts.scheme, host, parts.port, base), problem, can_rehearse=True)
    if _is_loopback(host):
        host = _network_address()
    problem = "" if has_key else "Without a presenter key, every visitor could run the game. Start the server with"
    return PhoneAddress(_url(parts.scheme, host, parts.port, base), problem)


def qr_code(url: str) -> str:
    """Return a QR code as SVG in a data URL, dark on white in every theme."""
    return str(segno.make_qr(url, error="m").svg_data_uri(scale=8, border=3, light="#ffffff"))


def _url(scheme: str, host: str, port: int | None, base: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}{f':{port}' if port else ''}{base}/{PATH}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _network_address() -> str:
    """Return the address of this computer in its network, or its name if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Selects the network interface. Nothing is sent over UDP before a `send`.
            probe.connect(("10.255.255.255", 1))
            address = str(probe.getsockname()[0])
        except OSError:
            address = "127.0.0.1"
    return f"{socket.gethostname()}.local" if _is_loopback(address) else address
