"""How a home's settings describe the demo's advertising platforms."""

from __future__ import annotations

from workspace.demo.ads.book import PLATFORMS

URL_VARIABLE = "DEMO_ADS_URL"
# What each platform knows its customers by, in the words of the settings.
CREDENTIALS = {
    "google_ads": ("client_id", "client_secret", "refresh_token", "developer_token", "login_customer_id"),
    "facebook_ads": ("access_token", "app_secret"),
    "tiktok_ads": ("access_token", "app_id", "secret"),
    "twitter_ads": ("consumer_key", "consumer_secret", "token", "token_secret"),
}
SINCE = "2026-09-01"  # in Los Angeles, the website began to be watched on the day before


def variable(platform: str, name: str) -> str:
    """Name the environment variable of a credential.

    Examples:
        >>> variable("twitter_ads", "token_secret")
        'DEMO_TWITTER_ADS_TOKEN_SECRET'
    """
    return f"DEMO_{platform}_{name}".upper()


def toml() -> str:
    """Write the sources as the home's settings have them."""
    tables = []
    for platform in PLATFORMS:
        named = ", ".join(f'{name} = "${variable(platform, name)}"' for name in CREDENTIALS[platform])
        tables.append(
            f'[sources.{platform}]\nkind = "ads"\nplatform = "{platform}"\nsince = {SINCE}\n'
            f'credentials = {{ {named} }}\nurl = "${URL_VARIABLE}"\nrequired = false\n'
        )
    return "\n".join(tables)
