"""What people do on the website: visits, pages, and the way from a search to a booking.

Bots are left out everywhere but in `events`. Who a visitor is, is known from the login on, and is looked up when a
question is asked: see `Identities`. Days are those of Berlin; a visit belongs to the day on which it began.
"""

from __future__ import annotations

from ibis import _

from workspace.metrics.marketplace import Bookings, Rates, Users
from workspace.semantic import Dataset, dim, exact, fact, key, measure, ref, time


class Identities(Dataset, table="clickstream.identities", history=True):
    """Who was logged in on a browser, and from when to when. What happened before the first login is theirs too."""

    identity = key(_.domain_userid)
    user = ref(Users, _.user_id, missing=None)  # users are deleted for good, and what they did stays


class Visitors(Dataset, table="clickstream.visitors"):
    """Browsers, known by a cookie, and how they first came."""

    visitor = key(_.domain_userid)
    first_seen = time(_.first_seen_at, "When the browser was first seen", default=True)
    first_channel = dim(_.first_channel, "The channel of the first visit")
    first_campaign = dim(_.first_campaign, "The campaign (utm) of the first visit")
    new_visitors = measure(_.count(), "Browsers that were seen for the first time", unit="count", owner="growth")


class Sessions(Dataset, table="clickstream.sessions"):
    """One row a visit to the website."""

    session = key(_.session_id)
    visitor = ref(Visitors, _.domain_userid)
    identity = ref(Identities, _.domain_userid, valid="event", missing=None)  # most never log in
    started = time(_.started_at, "When the visit began", default=True)
    channel = dim(_.channel, "How the visit came about: Direct, Paid Search, ...")
    campaign = dim(_.mkt_campaign, "The campaign (utm) of the visit's landing page")
    source = dim(_.mkt_source, "The source (utm) of the visit's landing page")
    device = dim(_.device, "Desktop, mobile, tablet or other")
    geo_country = dim(_.geo_country, "Where the visit came from, by its address")
    entry_path = dim(_.entry_path, "The page with which the visit began")
    exit_path = dim(_.exit_path, "The page with which the visit ended")
    engaged = dim(_.engaged, "Two page views or more, 20 seconds of attention, or a conversion")
    visit_number = dim(_.session_index, "The how manieth visit of this browser it is")
    sessions = measure(_.count(), "Visits to the website", unit="count", owner="product")
    visitors = measure(_.domain_userid.nunique(), "Browsers that came", unit="count", owner="product")
    active_users = measure(
        _.identity.user_id.nunique(),
        "Users who came, on browsers on which they were logged in then or were the first to log in later",
        unit="count",
        owner="product",
    )
    bounced_sessions = measure(_.count(where=~_.engaged), "Visits that were not engaged", unit="count", owner="product")
    converted_sessions = measure(
        _.count(where=_.conversions > 0), "Visits with a purchase", unit="count", owner="product"
    )
    engaged_time = measure(
        _.engaged_seconds.sum(), "How long pages had people's attention", unit="seconds", owner="product"
    )


class PageViews(Dataset, table="clickstream.page_views"):
    """One row a page that somebody looked at."""

    page_view = key(_.page_view_id)
    session = ref(Sessions, _.session_id)
    viewed = time(_.viewed_at, "When the page was opened", default=True)
    page = dim(_.page_urlpath, "The page's address, without the host")
    page_views = measure(_.count(), "Pages that people looked at", unit="count", owner="product")


class Events(Dataset, table="clickstream.events"):
    """One row an event, those of bots among them; duplicates are gone."""

    event = key(_.event_id)
    session = ref(Sessions, _.domain_sessionid, missing=None)  # those of bots have none
    happened = time(_.event_at, "When it happened", default=True)
    event_name = dim(_.event_name, "Page view, search, purchase, ...")
    bot = dim(_.bot, "Whether a machine was behind it")
    events = measure(_.count(), "Events that were tracked, those of bots among them", unit="count", owner="product")


class Searches(Dataset, table="clickstream.events", where=(_.event_name == "search") & ~_.bot):
    """One row a search."""

    search = key(_.event_id)
    session = ref(Sessions, _.domain_sessionid)
    searched = time(_.event_at, "When it was", default=True)
    searches = measure(_.count(), "Searches by people", unit="count", owner="product")


class ItemViews(Dataset, table="clickstream.events", where=(_.event_name == "view_item") & ~_.bot):
    """One row a look at a listing."""

    item_view = key(_.event_id)
    session = ref(Sessions, _.domain_sessionid)
    looked = time(_.event_at, "When it was", default=True)
    item_views = measure(_.count(), "Listings that people looked at", unit="count", owner="product")


class CartAdds(Dataset, table="clickstream.events", where=(_.event_name == "add_to_cart") & ~_.bot):
    """One row a listing that was put into a cart."""

    cart_add = key(_.event_id)
    session = ref(Sessions, _.domain_sessionid)
    added = time(_.event_at, "When it was", default=True)
    cart_adds = measure(_.count(), "Listings that people put into a cart", unit="count", owner="product")


class Checkouts(Dataset, table="clickstream.events", where=(_.event_name == "begin_checkout") & ~_.bot):
    """One row a checkout that was begun."""

    checkout = key(_.event_id)
    session = ref(Sessions, _.domain_sessionid)
    began = time(_.event_at, "When it was", default=True)
    checkouts = measure(_.count(), "Checkouts that people began", unit="count", owner="product")


class Purchases(Dataset, table="clickstream.events:com.bookmyevent/purchase/1", where=~_.event.bot):
    """One row a purchase as the website saw it: it names its booking, and what that was worth."""

    purchase = key(_.event_id)
    event = ref(Events, _.event_id)
    booking = ref(Bookings, _.booking_id, missing=0.01)
    purchased = time(_.event_at, "When it was", default=True)
    purchase_currency = dim(_.currency, "What the customer paid in")
    conversion = ref(Rates, day=_.purchased.date(), currency=_.currency)
    value_eur = fact(exact(_.value / _.conversion.per_eur), "At the rate of the day", unit="EUR")
    purchases = measure(_.count(), "Purchases on the website", unit="count", owner="product")
    purchase_value = measure(
        _.value_eur.sum(),
        "What purchases on the website were worth: totals after discounts, as events say them",
        unit="EUR",
        owner="product",
    )


class Touchpoints(Dataset, table="marketing.touchpoints"):
    """One row a click that marketing brought about: a landing with utm parameters or a click id."""

    touchpoint = key(_.event_id)
    session = ref(Sessions, _.session_id)
    clicked = time(_.clicked_at, "When it was", default=True)
    click_network = dim(_.click_network, "Whose click id it carries: Google, Facebook, ...")
    touchpoint_channel = dim(_.channel, "The channel of the click")
    touchpoint_campaign = dim(_.mkt_campaign, "The campaign (utm) of the click")
    touchpoints = measure(_.count(), "Clicks that marketing brought about", unit="count", owner="growth")
