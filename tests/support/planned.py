"""A platform's plan from its settings alone, for tests."""

from __future__ import annotations

from operations.changes.declared import PlanningTarget, plan

__all__ = ["PlanningTarget", "plan"]
