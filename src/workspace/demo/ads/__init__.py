"""The advertising platforms of the simulated company: what they know, and the HTTP by which they tell it."""

from workspace.demo.ads.server import AdServer, Reply, Request, Simulation

__all__ = ["AdServer", "Reply", "Request", "Simulation"]
