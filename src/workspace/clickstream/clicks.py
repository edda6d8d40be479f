"""Click ids: what an ad network puts into the URL of the page that a click leads to.

Enrich takes up a configured few (`mkt_clickid`, `mkt_network`); the others are read off the page's URL.
"""

from __future__ import annotations

CLICK_IDS = ("gclid", "gbraid", "wbraid", "fbclid", "ttclid", "twclid", "msclkid")
"""Of Google (the web, and iOS without cookies: gbraid, wbraid), Facebook, TikTok, Twitter and Microsoft. What of them
appears only with a paid click: all but fbclid, which Facebook puts on every link out of it."""

_NETWORKS = {
    "gclid": "Google",
    "gbraid": "Google",
    "wbraid": "Google",
    "dclid": "DoubleClick",
    "msclkid": "Microsoft",
    "ttclid": "TikTok",
    "twclid": "Twitter",
    "fbclid": "Facebook",
}


def parameter(name: str) -> str:
    """Give a SQL expression for a parameter of `page_url`, as it is written there; NULL if it is absent or empty."""
    return f"nullif(regexp_extract(page_url, '[?&]{name}=([^&#]*)', 1), '')"


CLICK_ID = f"coalesce(mkt_clickid, {', '.join(parameter(name) for name in _NETWORKS)})"
"""The click id of a landing page; the pipeline's word goes first, then the networks' in the order above."""

CLICK_NETWORK = f"""CASE WHEN mkt_clickid IS NOT NULL THEN mkt_network
    {" ".join(f"WHEN {parameter(name)} IS NOT NULL THEN '{network}'" for name, network in _NETWORKS.items())} END"""
"""The network that the click id belongs to, in the words of `mkt_network`."""
