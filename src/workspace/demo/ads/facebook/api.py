"""Meta's Marketing API: accounts, what is in them, insights at once and by jobs.

Knobs of the control plane, each with what it is if nobody sets it:

```
facebook_access_token         the token that is valid instead of the first one
facebook_proof                whether appsecret_proof must be there (false)
facebook_denied               ids of accounts that the token has lost the right to
facebook_polls                how many looks a job takes, 1 to 5 (2)
facebook_job_seconds          ... or how many seconds of the virtual clock
facebook_sync_rows            rows that insights give at once (2000)
facebook_most_rows            rows beyond which they only say that it is too much (20000)
facebook_attribution_setting  of all ad sets (7d_click_1d_view)
facebook_removed_fields       fields that Meta does not know any longer
facebook_endless              whether the last page of insights names a next one
limits.facebook_ads           calls an hour: ads_insights, ads_management, app, user
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspace.demo.ads.facebook.faults import FAULTS
from workspace.demo.ads.facebook.graph import Call, accepted
from workspace.demo.ads.facebook.limits import PLATFORM, limits

if TYPE_CHECKING:
    from workspace.demo.ads.simulation import Reply, Request, Simulation

__all__ = ["FAULTS", "answer", "expire", "limits"]


def answer(sim: Simulation, request: Request) -> Reply:
    """Answer a request as graph.facebook.com would."""
    return Call(sim, request).reply()


def expire(sim: Simulation) -> None:
    """Let the access token run out; the knob `facebook_access_token` names the next one."""
    sim.state[PLATFORM].setdefault("expired", set()).add(accepted(sim))
