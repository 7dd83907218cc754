"""Imports run one way (the contracts stand in pyproject.toml)."""

import pytest
from importlinter import cli

pytestmark = pytest.mark.once


def test_no_arrow_points_the_wrong_way() -> None:
    assert cli.lint_imports(config_filename="pyproject.toml", no_cache=True) == 0
