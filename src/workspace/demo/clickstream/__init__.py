"""The clickstream of the simulated company: what happens on its website, as Snowplow's pipeline delivers it."""

from workspace.demo.clickstream.archive import Window, write
from workspace.demo.clickstream.refill import BROKERS_VARIABLE, serving, top_up
from workspace.demo.clickstream.registry import publish
from workspace.demo.clickstream.told import causes, clicks, clickstream
from workspace.demo.clickstream.web import Web

__all__ = [
    "BROKERS_VARIABLE",
    "Web",
    "Window",
    "causes",
    "clicks",
    "clickstream",
    "publish",
    "serving",
    "top_up",
    "write",
]
