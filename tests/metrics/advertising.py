"""Two platforms' words, the clicks before three bookings, and what finance planned."""

from __future__ import annotations

_PERFORMANCE = """
    select * replace (spend::decimal(18, 6) as spend, conversions::decimal(18, 6) as conversions,
        conversion_value::decimal(18, 6) as conversion_value), 'ALL' as placement
    from (values
        ('google_ads', 'A1', 'ad', 'a1', date '2026-09-29', 'google_ads', 'c1', 'a1', 'EUR', 40, 1000, 20, 1, 300),
        ('google_ads', 'A1', 'ad', 'a1', date '2026-10-12', 'google_ads', 'c1', 'a1', 'EUR', 60, 2000, 30, 1.5, 100),
        ('google_ads', 'A2', 'campaign', 'c2', date '2026-09-30', 'google_ads', 'c2', null, 'USD', 120, 5000, 50, 1,
            240),
        ('facebook_ads', 'F1', 'ad', 'a3', date '2026-10-01', 'facebook_ads', 'c3', 'a3', 'EUR', 50, 4000, 10, 2, 250)
    ) v(source, account_id, level, entity_id, day, platform, campaign_id, ad_id, currency, spend, impressions, clicks,
        conversions, conversion_value)"""

_ATTRIBUTION = """
    select * replace (value::decimal(18, 2) as value, "first"::decimal(18, 9) as "first",
        "last"::decimal(18, 9) as "last", linear::decimal(18, 9) as linear, position::decimal(18, 9) as position,
        time_decay::decimal(18, 9) as time_decay, shapley::decimal(18, 9) as shapley), platform as source
    from (values
        ('b1', 'e1', timestamptz '2026-09-09 10:00:00+00', 300, 'EUR', true, 'Email', null, 'Email', null, null, null,
            1, 1, 1, 1, 1, 1),
        ('b2', 'e2', timestamptz '2026-09-25 10:00:00+00', 220, 'USD', false, 'Paid Search', 'google_ads', 'google_ads',
            'A1', 'c1', 'click view', 1, 0, 0.333333333, 0.4, 0.25, 0.333333333),
        ('b2', 'e3', timestamptz '2026-09-28 10:00:00+00', 220, 'USD', false, 'Paid Social', 'facebook_ads',
            'facebook_ads', 'F1', 'c3', 'ad id in the URL', 0, 0, 0.333333334, 0.2, 0.30, 0.333333334),
        ('b2', 'e4', timestamptz '2026-09-30 10:00:00+00', 220, 'USD', false, 'Email', null, 'Email', null, null, null,
            0, 1, 0.333333333, 0.4, 0.45, 0.333333333),
        ('b3', 'e5', timestamptz '2026-10-11 10:00:00+00', 50, 'EUR', true, 'Paid Search', 'google_ads', 'google_ads',
            'A1', 'c1', 'click view', 1, 0, 0.5, 0.5, 0.4, 0.5),
        ('b3', 'e6', timestamptz '2026-10-12 08:00:00+00', 50, 'EUR', true, 'Paid Search', 'google_ads', 'google_ads',
            'A2', 'c2', 'utm source', 0, 1, 0.5, 0.5, 0.6, 0.5)
    ) v(booking_id, event_id, clicked_at, value, currency, first_booking, channel, platform, player, account_id,
        campaign_id, match_method, "first", "last", linear, position, time_decay, shapley)"""

TABLES = {
    "marketing.platforms": """
        select * from (values ('google_ads', 'Paid Search'), ('facebook_ads', 'Paid Social')) v(platform, channel)""",
    "ads.accounts": """
        select *, platform as source from (values
            ('A1', 'google_ads', 'Berlin office', 'EUR', 'Europe/Berlin'),
            ('A2', 'google_ads', 'New York office', 'USD', 'America/Los_Angeles'),
            ('F1', 'facebook_ads', 'Berlin office', 'EUR', 'Europe/Berlin')
        ) v(account_id, platform, name, currency, timezone)""",
    "ads.campaigns": """
        select *, platform as source, 'enabled' as status, 'SALES' as objective from (values
            ('A1', 'c1', 'google_ads', 'Brand', timestamptz '2026-09-01 00:00:00+00',
                timestamptz '2026-10-10 00:00:00+00'),
            ('A1', 'c1', 'google_ads', 'Brand | DE', timestamptz '2026-10-10 00:00:00+00',
                timestamptz '9999-12-31 00:00:00+00'),
            ('A2', 'c2', 'google_ads', 'Spaces US', timestamptz '2026-09-01 00:00:00+00',
                timestamptz '9999-12-31 00:00:00+00'),
            ('F1', 'c3', 'facebook_ads', 'Herbst', timestamptz '2026-09-01 00:00:00+00',
                timestamptz '9999-12-31 00:00:00+00')
        ) v(account_id, campaign_id, platform, name, valid_from, valid_to)""",
    "ads.performance": _PERFORMANCE,
    "ads.restatements": """
        select *, source as platform, 'ad' as level, 'ALL' as placement, versions = 4 as deleted from (values
            ('google_ads', 'A1', 'a1', date '2026-09-29', 3, 0::decimal(18, 6), 1::decimal(18, 6)),
            ('google_ads', 'A1', 'a1', date '2026-10-12', 1, 1.5, 1.5),
            ('google_ads', 'A2', 'c2', date '2026-09-30', 2, 0.5, 1),
            ('facebook_ads', 'F1', 'a3', date '2026-10-01', 2, 1, 2),
            ('facebook_ads', 'F1', 'a4', date '2026-10-02', 4, 0.5, null)
        ) v(source, account_id, entity_id, day, versions, conversions_first, conversions)""",
    "marketing.attribution": _ATTRIBUTION,
    "sheets.ad_budgets": """
        select * replace (budget::decimal(18, 6) as budget) from (values
            (date '2026-09-01', 'Google Ads', 200), (date '2026-10-01', 'Google Ads', 100),
            (date '2026-10-01', 'Facebook Ads', 100)
        ) v(month, platform, budget)""",
    "sheets.targets": """
        select * replace (target::decimal(18, 6) as target) from (values
            (date '2026-09-01', 'Berlin', 'space', 200), (date '2026-09-01', 'Hamburg', 'service', 100),
            (date '2026-10-01', 'Berlin', 'space', 300), (date '2026-10-01', 'Potsdam', 'space', 40)
        ) v(month, city, kind, target)""",
}
